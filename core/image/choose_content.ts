import { type ImageContent, pickManifest, readImage } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { formatPlatform, hostPlatform, isAttestation, matchesPlatform } from "../oci/platform.ts";
import { maxDocumentBytes, readIndex } from "../oci/validate.ts";
import { collect } from "../stream/collect.ts";

/** Which platform of which image is meant. */
export interface ContentChoice {
  /** Manifest or index. */
  readonly descriptor: Descriptor;
  /** What the user typed, for messages. */
  readonly name: string;
  /** The platform asked for; undefined takes the host's, else the first one that is there. */
  readonly platform: Platform | undefined;
}

/** Reads one platform's image. Rejects `NOT_FOUND` when the image is not there for the platform asked for. */
export async function chooseContent(
  store: Pick<Store, "open" | "has">,
  choice: ContentChoice,
  call: Call,
): Promise<ImageContent> {
  const { descriptor, name, platform } = choice;
  try {
    const manifest = await pickManifest(store, { descriptor, name, platform: platform ?? hostPlatform() }, call);
    const content = await readImage(store, manifest, call);
    if (platform === undefined || matchesPlatform(content.platform, platform)) return content;
    const wanted = formatPlatform(platform);
    const message = `Cannot use image "${name}" for "${wanted}": it is for ${formatPlatform(content.platform)}`;
    throw new EngineError("NOT_FOUND", message, { detail: { kind: "platform", name: wanted } });
  } catch (error) {
    if (platform !== undefined || !isEngineError(error) || error.code !== "NOT_FOUND") throw error;
    const first = await firstPresent(store, descriptor, call);
    if (first === undefined) throw error;
    return await readImage(store, first, call);
  }
}

async function firstPresent(
  store: Pick<Store, "open" | "has">,
  descriptor: Descriptor,
  call: Call,
): Promise<Descriptor | undefined> {
  if (!isIndexType(descriptor.mediaType)) return undefined;
  const index = readIndex(await collect(await store.open(descriptor, call), maxDocumentBytes), descriptor.mediaType);
  for (const child of index.manifests) {
    if (isManifestType(child.mediaType) && !isAttestation(child) && await store.has(child, call)) return child;
  }
  return undefined;
}
