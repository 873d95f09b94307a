import { pickManifest } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { isIndexType } from "../oci/media_type.ts";
import { usualPlatform } from "../oci/platform.ts";
import { readIndex, readManifest } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { bareDescriptor } from "./graph_copier.ts";
import { openCopySource } from "./copy_source.ts";
import type { RegistryEngine } from "./registry.ts";
import { readPlace, registryPlace } from "./transfer_place.ts";

/**
 * What `manifest inspect` is told.
 *
 * @example The config for a platform
 * ```ts
 * import type { InspectManifestInput } from "@strata/strata";
 *
 * const input: InspectManifestInput = {
 *   image: "alpine:3.20",
 *   platform: { os: "linux", architecture: "arm64" },
 *   config: true,
 * };
 * console.log(input);
 * ```
 */
export interface InspectManifestInput {
  /** An address as of `copy`; a name alone is one of a registry. */
  readonly image: string;
  /** Take a name alone for one of the store. */
  readonly local?: boolean;
  /** The manifest for this platform, in place of an index. */
  readonly platform?: Platform;
  /** The config in place of the manifest. */
  readonly config?: boolean;
}

/**
 * One document of an image.
 *
 * @example The text of a manifest
 * ```ts
 * import type { InspectManifestResult } from "@strata/strata";
 *
 * const text = ({ bytes }: InspectManifestResult): string => new TextDecoder().decode(bytes);
 * ```
 */
export interface InspectManifestResult {
  /** What it is. */
  readonly descriptor: Descriptor;
  /** Its bytes, as they are. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads the manifest, the index or the config of an image wherever it is, and nothing else of it. Rejects `NOT_FOUND`.
 *
 * @example The manifest of an image of the store
 * ```ts
 * import { builtins, createCall, createEngine, importImage, inspectManifest } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { descriptor, bytes } = await inspectManifest(engine, { image: "app", local: true }, createCall());
 * console.log(descriptor.mediaType, new TextDecoder().decode(bytes));
 * ```
 */
export async function inspectManifest(
  engine: RegistryEngine,
  input: InspectManifestInput,
  call: Call,
): Promise<InspectManifestResult> {
  const found = await readPlace(engine, input.image);
  const isPlain = found.type === "store" && !input.image.startsWith("store:");
  const place = isPlain && input.local !== true ? await registryPlace(engine, input.image) : found;
  await using source = await openCopySource(engine, { place, address: input.image, names: [], all: false }, call);
  const [first, second] = source.named;
  if (first === undefined || second !== undefined) throw severalImages(input.image, source.named.length);
  const root = await narrow(source.content, { root: first.descriptor, input, engine }, call);
  const bytes = await readDocument(source.content, root, call);
  if (isIndexType(root.mediaType)) readIndex(bytes, root.mediaType);
  const manifest = isIndexType(root.mediaType) ? undefined : readManifest(bytes, root.mediaType);
  if (input.config !== true || manifest === undefined) return { descriptor: root, bytes };
  return { descriptor: manifest.config, bytes: await readDocument(source.content, manifest.config, call) };
}

async function narrow(
  from: Parameters<typeof pickManifest>[0],
  at: {
    readonly root: Descriptor;
    readonly input: InspectManifestInput;
    readonly engine: Pick<RegistryEngine, "config">;
  },
  call: Call,
): Promise<Descriptor> {
  const { root, input, engine } = at;
  if (input.platform === undefined && input.config !== true) return bareDescriptor(root);
  const platform = input.platform ?? usualPlatform(engine.config.platform);
  return await pickManifest(from, { descriptor: root, name: input.image, platform }, call);
}

function severalImages(image: string, count: number): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot inspect "${image}": it holds ${count} images, expected one`, {
    detail: { field: "image", value: image },
  });
}
