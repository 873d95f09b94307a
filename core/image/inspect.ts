import type { Call } from "../contract/call.ts";
import { type EngineError, isEngineError } from "../errors.ts";
import type { Json } from "../oci/canonical_json.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image_config.ts";
import { isIndexType } from "../oci/media_type.ts";
import { formatPlatform, isAttestation } from "../oci/platform.ts";
import { maxDocumentBytes, readIndex } from "../oci/validate.ts";
import { stripStoreAnnotations } from "../store/names.ts";
import { collect } from "../stream/collect.ts";
import { aliasOf } from "./alias.ts";
import { chooseContent } from "./choose_content.ts";
import type { RegistryEngine } from "./registry.ts";
import { seeImages } from "./see_images.ts";
import type { SeenImage } from "./seen_image.ts";
import { familiarName, readImages, splitName } from "./stored_image.ts";

/**
 * What `image inspect` is asked.
 *
 * @example One of the store, one of a registry
 * ```ts
 * import type { InspectInput } from "@strata/strata";
 *
 * const input: InspectInput = { images: ["app", "registry:alpine:3.20"] };
 * console.log(input);
 * ```
 */
export interface InspectInput {
  /** Names, IDs, ID prefixes, digests or aliases; what is none of the store's images may be an address as of `copy`. */
  readonly images: readonly string[];
  /** Platform to look at, for an index; the host's when left out. */
  readonly platform?: Platform;
}

/**
 * What `image inspect` found.
 *
 * @example What was not found
 * ```ts
 * import type { InspectResult } from "@strata/strata";
 *
 * const missing = ({ errors }: InspectResult): string[] => errors.map(({ message }) => message);
 * console.log(missing({ images: [], errors: [] }));
 * ```
 */
export interface InspectResult {
  /** One object per found image in Docker's shape (`Id`, `RepoTags`, … `Config`), in the order asked; JSON-ready. */
  readonly images: readonly { readonly [key: string]: Json }[];
  /** One error per image that was not found, in the order asked. */
  readonly errors: readonly EngineError[];
}

/** JSON object under construction; members that are undefined are left out. */
type JsonObject = Record<string, Json | undefined>;

/**
 * Describes images in the shape of `docker image inspect`. `GraphDriver` is left out: layers are stored as they are and no driver
 * unpacks them. Beyond Docker's members there are `Digest` (of the manifest), `Alias`, and `Platforms` for an index, whose other
 * members are those of the chosen platform. Of images outside the store documents alone are read; their `Size` is that of the layers as
 * they are there, and an archive of several gives several objects.
 *
 * @example Command and platform of an image
 * ```ts
 * import { builtins, createCall, createEngine, importImage, inspectImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { images, errors } = await inspectImages(engine, { images: ["app", "other"] }, createCall());
 * console.log(images[0]?.Architecture, errors[0]?.code);
 * ```
 */
export async function inspectImages(engine: RegistryEngine, input: InspectInput, call: Call): Promise<InspectResult> {
  const all = await readImages(engine.store, call);
  const images: { readonly [key: string]: Json }[] = [];
  const errors: EngineError[] = [];
  for (const text of input.images) {
    try {
      await using seen = await seeImages(engine, { text, all }, call);
      for (const image of seen.images) images.push(await describe({ image, text, platform: input.platform }, call));
    } catch (error) {
      if (!isEngineError(error) || error.code === "CANCELED") throw error;
      errors.push(error);
    }
  }
  return { images, errors };
}

interface Subject {
  readonly image: SeenImage;
  readonly text: string;
  readonly platform: Platform | undefined;
}

async function describe(subject: Subject, call: Call): Promise<{ readonly [key: string]: Json }> {
  const { image, text, platform } = subject;
  const content = await chooseContent(image.source, { descriptor: image.descriptor, name: text, platform }, call);
  const { config } = content;
  const isIndex = isIndexType(image.descriptor.mediaType);
  const object: JsonObject = {
    Id: image.id,
    RepoTags: image.names.filter((name) => !name.includes("@")).map(familiarName),
    RepoDigests: repoDigests(image),
    Parent: "",
    Comment: config.history?.at(-1)?.comment ?? "",
    Created: config.created,
    DockerVersion: textOf(config, "docker_version"),
    Author: config.author ?? "",
    Config: inDockersOrder(jsonOf(config.config ?? {})),
    Architecture: config.architecture,
    Variant: config.variant,
    Os: config.os,
    OsVersion: config["os.version"],
    Size: await image.size(content, call),
    RootFS: { Type: config.rootfs.type, Layers: [...config.rootfs.diff_ids] },
    Metadata: { LastTagTime: (image.taggedAt ?? new Date(zeroTime)).toISOString() },
    Descriptor: jsonOf(stripStoreAnnotations(image.descriptor)),
    Digest: content.descriptor.digest,
    Alias: aliasOf(image.id),
    Platforms: isIndex ? await readPlatforms(image, call) : undefined,
  };
  return jsonOf(object);
}

/** Members of `Config` in the order in which docker shows them. */
const configOrder = [
  "User",
  "ExposedPorts",
  "Env",
  "Cmd",
  "Healthcheck",
  "ArgsEscaped",
  "Volumes",
  "WorkingDir",
  "Entrypoint",
  "OnBuild",
  "Labels",
  "StopSignal",
  "Shell",
];

function inDockersOrder(config: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  const place = (key: string): number => (configOrder.indexOf(key) + 1) || Infinity;
  return Object.fromEntries(
    Object.entries(config).sort(([a], [b]) => (place(a) === place(b) ? 0 : place(a) - place(b))),
  );
}

/** Go's zero time, which docker shows for an image without a tag. */
const zeroTime = "0001-01-01T00:00:00Z";

function repoDigests({ names, targets }: SeenImage): string[] {
  const digests = names.map((name) => `${splitName(name).repository}@${targets.get(name)?.digest}`);
  return [...new Set(digests)].sort();
}

async function readPlatforms({ source, descriptor: index }: SeenImage, call: Call): Promise<Json> {
  const bytes = await collect(await source.open(index, call), maxDocumentBytes);
  const rows: Json[] = [];
  for (const child of readIndex(bytes, index.mediaType).manifests) {
    if (isAttestation(child)) continue;
    const platform = child.platform === undefined ? "" : formatPlatform(child.platform);
    rows.push({ Platform: platform, Digest: child.digest, Available: await source.has(child, call) });
  }
  return rows;
}

function textOf(config: ImageConfig, key: string): string | undefined {
  const value: unknown = Object.entries(config).find(([name]) => name === key)?.[1];
  return typeof value === "string" ? value : undefined;
}

/** A value as plain JSON, members that are undefined left out. */
function jsonOf(value: object): { readonly [key: string]: Json } {
  return JSON.parse(JSON.stringify(value));
}
