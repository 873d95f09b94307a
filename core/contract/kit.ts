import type { EngineError, EngineErrorOptions, ErrorCode } from "../errors.ts";
import type { Json } from "../oci/canonical_json.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import type { ByteStream, Call } from "./call.ts";
import type { LayerEntry } from "./layer.ts";

/**
 * Counts and hashes bytes on their way through.
 *
 * @example The digest of a stream that goes by
 * ```ts
 * import type { ByteStream, Digest, Kit } from "@strata/strata/contract";
 *
 * async function digestOf(kit: Kit, stream: ByteStream): Promise<Digest> {
 *   const hashing = kit.hashing();
 *   await stream.pipeThrough(hashing.through).pipeTo(new WritableStream());
 *   return hashing.result().digest;
 * }
 * ```
 */
export interface Hashing {
  /** Pass-through stage. */
  readonly through: TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;
  /** What passed so far; call it when the stream has ended. */
  result(): { readonly digest: Digest; readonly size: number };
}

/**
 * Decides which paths an ordered list of ignore patterns leaves out.
 *
 * @example Leave out what a pattern names
 * ```ts
 * import type { IgnoreMatcher, Kit } from "@strata/strata/contract";
 *
 * function visible(kit: Kit, paths: readonly string[]): string[] {
 *   const matcher: IgnoreMatcher = kit.compileIgnore(["*.log", "!keep.log"]);
 *   return paths.filter((path) => !matcher.isExcluded(path));
 * }
 * ```
 */
export interface IgnoreMatcher {
  /** Whether a path, relative and slash-separated, is left out. A match of a parent folder counts for what is below it. */
  isExcluded(path: string): boolean;
  /** Whether nothing below an excluded folder can be re-included, so a walk may skip it. */
  canSkipBelow(path: string): boolean;
}

/**
 * Pure helpers handed to every plugin, built-in or not. Adding one is an API change.
 *
 * @example A plugin that names images as strata does
 * ```ts
 * import type { PluginFactory } from "@strata/strata/contract";
 *
 * const plugin: PluginFactory = ({ kit, config }) => {
 *   const { host, repository } = kit.parseReference(String(config.image));
 *   if (host !== "registry.example.com") throw kit.error("DENIED", `Cannot use image "${repository}": not ours`);
 *   return { name: "ours", api: 1 };
 * };
 * ```
 */
export interface Kit {
  /** Makes an {@linkcode EngineError} without importing it. */
  error(code: ErrorCode, message: string, options?: EngineErrorOptions): EngineError;
  /** Parses and normalizes a reference. Throws `INVALID_ARGUMENT`. */
  parseReference(text: string): Reference;
  /** Canonical JSON: sorted keys, no spaces; what cache keys are made of. */
  canonicalJson(value: Json): string;
  /** sha256 digest of a few bytes, or of a text's UTF-8 form. */
  sha256(data: string | Uint8Array<ArrayBuffer>): Promise<Digest>;
  /**
   * Whether one path matches one Dockerfile wildcard pattern (Go's `filepath.Match`: `*`, `?`, `[…]`, no `**`). Both slash-separated.
   * Throws `INVALID_ARGUMENT` on a malformed pattern.
   */
  matchPath(pattern: string, path: string): boolean;
  /** Compiles `.dockerignore` lines (also `--exclude` patterns): `!` re-includes, the last match wins. Throws `INVALID_ARGUMENT`. */
  compileIgnore(patterns: readonly string[]): IgnoreMatcher;
  /** Starts hashing a stream. */
  hashing(): Hashing;
  /** Reads a tar, plain or compressed; entries must be consumed in order. */
  readArchive(archive: ByteStream, call: Call): AsyncIterable<LayerEntry>;
  /** Writes a plain tar. */
  writeTar(entries: AsyncIterable<LayerEntry>, call: Call): ByteStream;
}
