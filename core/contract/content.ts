import type { Descriptor } from "../oci/descriptor.ts";
import type { ByteStream, Call, OpenContent } from "./call.ts";

/**
 * A name and what it points at.
 *
 * @example What a place offers
 * ```ts
 * import type { Named } from "@strata/strata/contract";
 *
 * const named: Named = {
 *   name: "docker.io/library/app:1",
 *   descriptor: {
 *     mediaType: "application/vnd.oci.image.manifest.v1+json",
 *     digest: `sha256:${"0".repeat(64)}`,
 *     size: 482,
 *   },
 * };
 * console.log(named.name, named.descriptor.size);
 * ```
 */
export interface Named {
  /** The name, unique within its source. */
  readonly name: string;
  /** What it points at. A store keeps the annotations given to `tag`, which is where core puts facts for fast listings. */
  readonly descriptor: Descriptor;
  /** When the name was last written; undefined where the source does not know. */
  readonly updatedAt?: Date;
}

/**
 * Anything content can be read from: the store, a registry, an archive.
 *
 * @example Read the manifest of a name
 * ```ts
 * import type { Call, ContentSource } from "@strata/strata/contract";
 *
 * async function readManifest(source: ContentSource, name: string, call: Call): Promise<string | undefined> {
 *   const descriptor = await source.resolve(name, call);
 *   return descriptor && await new Response(await source.open(descriptor, call)).text();
 * }
 * ```
 */
export interface ContentSource {
  /** Names that start with `prefix` (empty for all), in bytewise order. */
  names(prefix: string, call: Call): AsyncIterable<Named>;
  /** The descriptor a name points at, or undefined when the name is unknown. */
  resolve(name: string, call: Call): Promise<Descriptor | undefined>;
  /** The bytes of a descriptor from `offset` on. Rejects `NOT_FOUND`. Core checks size and digest, not the source. */
  open(descriptor: Descriptor, call: Call, offset?: number): Promise<ByteStream>;
}

/**
 * Anything content can be written to.
 *
 * @example Put a blob where it is missing
 * ```ts
 * import type { Call, ContentSink, Descriptor, OpenContent } from "@strata/strata/contract";
 *
 * async function give(sink: ContentSink, blob: Descriptor, open: OpenContent, call: Call): Promise<void> {
 *   if (!await sink.has(blob, call)) await sink.put(blob, open, call);
 * }
 * ```
 */
export interface ContentSink {
  /** Whether the bytes are already there. */
  has(descriptor: Descriptor, call: Call): Promise<boolean>;
  /**
   * Writes the bytes once, atomically; a no-op when present. May call `open` zero times, again to retry, or at an
   * offset to go on with what an earlier, interrupted call left behind.
   */
  put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void>;
  /** Points a name at a descriptor whose content is present. Replaces. */
  tag(descriptor: Descriptor, name: string, call: Call): Promise<void>;
}
