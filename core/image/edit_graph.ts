import { type ImageContent, readImage } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image_config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { isIndexType, isManifestType, MediaType } from "../oci/media_type.ts";
import { formatPlatform, isAttestation, normalizePlatform } from "../oci/platform.ts";
import { readIndex, readManifest } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import type { Annotation } from "./annotation.ts";
import { annotate, type AnnotationChange } from "./edit_annotation.ts";
import { bareDescriptor } from "./graph_copier.ts";

/** One platform's image before and after. */
export interface EditedImage {
  readonly platform: Platform;
  readonly before: ImageContent;
  readonly config: ImageConfig;
  /** Its new manifest. */
  readonly descriptor: Descriptor;
}

/** What an image has become. */
export interface EditedGraph {
  /** What stands for it now. */
  readonly root: Descriptor;
  /** Documents that are new, by digest. */
  readonly documents: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>;
  /** The edited images, in the order of the index. */
  readonly images: readonly EditedImage[];
}

/** How an image is edited. */
export interface GraphEdit extends AnnotationChange {
  /** What the user named, for messages. */
  readonly name: string;
  /** Where its documents are; each is asked for more than once. */
  readonly content: ContentSource;
  readonly root: Descriptor;
  /** Platforms that are edited; all when empty. */
  readonly platforms: readonly Platform[];
  /** Gives the new config and manifest of one platform's image; what the manifest says of the config does not count. */
  edit(image: ImageContent): Promise<{ readonly config: ImageConfig; readonly manifest: Manifest }>;
}

/** Indexes may hold indexes; this deep. */
const maxDepth = 4;

/**
 * Edits an image, or those of an index, by their documents alone; nothing is written. Images of an index that are not there stay as they
 * are; attestations of edited ones are left out with a warning, as they are about what was. Rejects `NOT_FOUND` when nothing is for the
 * platforms, `UNSUPPORTED` for what is no image.
 */
export async function editGraph(edit: GraphEdit, call: Call): Promise<EditedGraph> {
  const editor = new Editor(edit, call);
  const root = await editor.edit(bareDescriptor(edit.root), 0);
  if (root !== undefined) return { root, documents: editor.documents, images: editor.images };
  const wanted = edit.platforms.map(formatPlatform).join(", ");
  const state = wanted === "" ? "it holds no image" : `it has no image for ${wanted}`;
  throw new EngineError("NOT_FOUND", `Cannot edit "${edit.name}": ${state}`, {
    detail: { kind: wanted === "" ? "image" : "platform", name: wanted === "" ? edit.name : wanted },
  });
}

class Editor {
  readonly documents = new Map<Digest, Uint8Array<ArrayBuffer>>();
  readonly images: EditedImage[] = [];
  readonly #edit: GraphEdit;
  readonly #call: Call;

  constructor(edit: GraphEdit, call: Call) {
    this.#edit = edit;
    this.#call = call;
  }

  /** What a manifest or an index has become; undefined when it stays. */
  async edit(descriptor: Descriptor, depth: number): Promise<Descriptor | undefined> {
    if (isManifestType(descriptor.mediaType)) return await this.#editManifest(descriptor, depth);
    if (isIndexType(descriptor.mediaType) && depth < maxDepth) return await this.#editIndex(descriptor, depth);
    if (depth > 0) return undefined;
    throw new EngineError("UNSUPPORTED", `Cannot edit "${this.#edit.name}": it is a "${descriptor.mediaType}"`, {
      detail: { what: descriptor.mediaType, known: ["image manifest", "image index"] },
    });
  }

  async #editManifest(descriptor: Descriptor, depth: number): Promise<Descriptor | undefined> {
    const { content, platforms, name } = this.#edit;
    const { config: { mediaType } } = readManifest(await readDocument(content, descriptor, this.#call));
    if (mediaType !== MediaType.config && mediaType !== MediaType.dockerConfig) {
      if (depth > 0) return undefined;
      throw new EngineError("UNSUPPORTED", `Cannot edit "${name}": it is no container image`, {
        detail: { what: mediaType },
      });
    }
    const before = await readImage(content, descriptor, this.#call);
    const platform = formatPlatform(before.platform);
    if (platforms.length > 0 && !platforms.some((each) => formatPlatform(normalizePlatform(each)) === platform)) {
      return undefined;
    }
    if (depth === 0) refuseIndexScopes(this.#edit);
    const edited = await this.#edit.edit(before);
    const { annotations: given, ...bare } = edited.manifest;
    const annotations = annotate(given, this.#edit, { scope: "manifest", of: before.platform });
    const manifest = inOneForm(
      { ...bare, ...(annotations === undefined ? {} : { annotations }) },
      descriptor.mediaType,
    );
    const config = await this.#add(manifest.config.mediaType, edited.config);
    const after = await this.#add(manifest.mediaType ?? descriptor.mediaType, { ...manifest, config });
    this.images.push({ platform: before.platform, before, config: edited.config, descriptor: after });
    return after;
  }

  async #editIndex(descriptor: Descriptor, depth: number): Promise<Descriptor | undefined> {
    const { content } = this.#edit;
    const index = readIndex(await readDocument(content, descriptor, this.#call), descriptor.mediaType);
    const changed = new Map<Digest, Descriptor>();
    for (const child of index.manifests) {
      if (isAttestation(child)) continue;
      const after = await this.#editPresent(child, depth + 1);
      if (after !== undefined) changed.set(child.digest, after);
    }
    if (changed.size === 0) return undefined;
    const manifests = index.manifests.flatMap((child): Descriptor[] => {
      if (changed.has(child.annotations?.["vnd.docker.reference.digest"] as Digest)) {
        this.#warn(child);
        return [];
      }
      const after = changed.get(child.digest);
      return [after === undefined ? child : this.#entry(child, after)];
    });
    const isOci = manifests.some(({ mediaType }) => mediaType === MediaType.manifest || mediaType === MediaType.index);
    const annotations = annotate(index.annotations, this.#edit, { scope: "index" });
    const mediaType = isOci || annotations !== undefined ? MediaType.index : descriptor.mediaType;
    return await this.#add(mediaType, { ...index, mediaType, manifests, annotations });
  }

  /** As `edit`; an index may lack images, which stay as they are. */
  async #editPresent(child: Descriptor, depth: number): Promise<Descriptor | undefined> {
    try {
      await readDocument(this.#edit.content, bareDescriptor(child), this.#call);
    } catch (error) {
      if (isEngineError(error) && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
    return await this.edit(bareDescriptor(child), depth);
  }

  /** The entry of an index for what one of its images has become. */
  #entry(child: Descriptor, { mediaType, digest, size }: Descriptor): Descriptor {
    const { data: _data, ...rest } = child as Descriptor & { readonly data?: unknown };
    const at = {
      scope: "manifest-descriptor",
      ...(child.platform === undefined ? {} : { of: child.platform }),
    } as const;
    const annotations = annotate(child.annotations, this.#edit, at);
    const { annotations: _annotations, ...bare } = rest;
    return { ...bare, mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) };
  }

  #warn({ digest }: Descriptor): void {
    const message = `Attestation "${digest}" is left out: it is about the image before the edit`;
    this.#call.emit({ type: "warning", code: "AttestationLeftOut", message });
  }

  async #add(mediaType: string, document: object): Promise<Descriptor> {
    const bytes = new TextEncoder().encode(canonicalJson(document));
    const digest = await sha256(bytes);
    this.documents.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

function refuseIndexScopes({ name, annotations, unsetAnnotations }: GraphEdit): void {
  const isOfIndex = ({ scope }: Annotation): boolean => scope !== "manifest";
  const found = [...annotations, ...unsetAnnotations].find(isOfIndex);
  if (found === undefined) return;
  throw new EngineError("INVALID_ARGUMENT", `Cannot annotate the ${found.scope} of "${name}": it has no index`, {
    detail: { field: "annotation", value: found.key },
  });
}

/** Docker's media types with those of OCI that mean the same. */
const ociTypes: ReadonlyMap<string, string> = new Map([
  [MediaType.dockerManifest, MediaType.manifest],
  [MediaType.dockerConfig, MediaType.config],
  [MediaType.dockerLayer, MediaType.layer],
  [MediaType.dockerLayerGzip, MediaType.layerGzip],
  ["application/vnd.docker.image.rootfs.diff.tar.zstd", MediaType.layerZstd],
  [MediaType.dockerForeignLayer, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"],
]);

/** The manifest as it is when all its parts are Docker's and it has no annotations, or all are OCI's; else in OCI's form. */
function inOneForm(manifest: Manifest, mediaType: string): Manifest {
  const { annotations, ...bare } = manifest;
  const types = [mediaType, manifest.config.mediaType, ...manifest.layers.map((layer) => layer.mediaType)];
  const isDocker = types.every((type) => ociTypes.has(type));
  if (isDocker && annotations === undefined) return bare;
  const ociType = (type: string): string => ociTypes.get(type) ?? type;
  const asOci = (descriptor: Descriptor): Descriptor => ({ ...descriptor, mediaType: ociType(descriptor.mediaType) });
  return {
    ...bare,
    mediaType: ociType(mediaType),
    config: asOci(manifest.config),
    layers: manifest.layers.map(asOci),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
