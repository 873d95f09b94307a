import type { Descriptor, Digest, Kit } from "../../core/contract/mod.ts";
import { blobPath } from "./documents.ts";
import { familiarName, splitTag } from "./named.ts";
import { type Document, encode, hexOf, type Root } from "./roots.ts";

type ImageDocument = Extract<Document, { readonly type: "manifest" }>;

/**
 * `manifest.json` and, when there are tags, `repositories`, as `docker load` of any version and `podman load` read them: one entry
 * for each image with all its tags. An index is there with the manifest for this machine's architecture, else with its first one.
 */
export function dockerDocuments(
  roots: readonly Root[],
  documents: ReadonlyMap<Digest, Document>,
  kit: Kit,
): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const images = new Map<Digest, { readonly manifest: ImageDocument; readonly tags: string[] }>();
  const repositories: Record<string, Record<string, string>> = {};
  for (const { name, descriptor } of roots) {
    const manifest = imageOf(descriptor, documents);
    if (manifest === undefined) {
      const message = `Cannot write "${name ?? descriptor.digest}" in a docker-archive: it is no container image`;
      throw kit.error("UNSUPPORTED", message, { hint: "Write it in the oci-archive form" });
    }
    const image = images.get(manifest.config.digest) ?? { manifest, tags: [] };
    images.set(manifest.config.digest, image);
    const { repository, tag } = splitTag(familiarName(name ?? ""));
    if (name === undefined || tag === undefined) continue;
    image.tags.push(`${repository}:${tag}`);
    (repositories[repository] ??= {})[tag] = hexOf(manifest.layers.at(-1)?.digest ?? manifest.config.digest);
  }
  const entries = [...images.values()].map(({ manifest, tags }) => ({
    Config: blobPath(manifest.config.digest),
    RepoTags: tags.length === 0 ? null : [...new Set(tags)].sort(),
    Layers: manifest.layers.map(({ digest }) => blobPath(digest)),
  }));
  const files = new Map([["manifest.json", encode(entries, kit)]]);
  if (Object.keys(repositories).length > 0) files.set("repositories", encode(repositories, kit));
  return files;
}

function imageOf(
  descriptor: Descriptor,
  documents: ReadonlyMap<Digest, Document>,
  depth = 0,
): ImageDocument | undefined {
  const document = documents.get(descriptor.digest);
  if (document === undefined || depth > 4) return undefined;
  if (document.type === "manifest") return isImage(document) ? document : undefined;
  const wanted = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
  const here = document.manifests.filter(({ digest }) => documents.has(digest));
  const isWanted = ({ platform }: Descriptor): boolean => platform?.os === "linux" && platform.architecture === wanted;
  for (const child of [...here.filter(isWanted), ...here.filter((child) => !isWanted(child))]) {
    const image = child.platform?.os === "unknown" ? undefined : imageOf(child, documents, depth + 1);
    if (image !== undefined) return image;
  }
  return undefined;
}

function isImage({ config }: ImageDocument): boolean {
  return config.mediaType === "application/vnd.oci.image.config.v1+json" ||
    config.mediaType === "application/vnd.docker.container.image.v1+json";
}
