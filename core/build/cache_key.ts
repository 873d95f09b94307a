import { canonicalJson, type Json } from "../oci/canonical_json.ts";
import type { Digest, Platform } from "../oci/descriptor.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import { formatPlatform } from "../oci/platform.ts";
import type { BuildOp } from "../contract/parse.ts";

/** Changes whenever the same operation on the same inputs would give another layer than before. */
const version = 1;

/** Everything the layer of one step depends on. */
export interface CacheKeyParts {
  /** Platform being built. */
  readonly platform: Platform;
  /** The operation. */
  readonly op: BuildOp;
  /** Identity of the plugin that builds the operation; undefined for core itself. */
  readonly plugin: string | undefined;
  /** What identifies the filesystem the operation sees; undefined for an empty one. */
  readonly parent: string | undefined;
  /** Digest of everything else the result depends on, as the layer hook tells. */
  readonly content: Digest | undefined;
  /** What identifies the inputs after the first, in order; undefined when `content` covers them. */
  readonly inputs: readonly (Digest | undefined)[] | undefined;
  /** What the caller's options change for commands; undefined for none and for operations that run none. */
  readonly settings: Json | undefined;
  /** Seconds since the Unix epoch; undefined without SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | undefined;
}

/** The key under which a step's layer is remembered: 64 hex digits. Equal parts give equal keys. */
export async function cacheKey(parts: CacheKeyParts): Promise<string> {
  const facts = {
    version,
    platform: formatPlatform(parts.platform),
    osVersion: parts.platform["os.version"],
    kind: parts.op.kind,
    args: parts.op.args,
    plugin: parts.plugin,
    parent: parts.parent ?? null,
    content: parts.content ?? null,
    inputs: parts.inputs?.map((input) => input ?? null),
    settings: parts.settings,
    sourceDateEpoch: parts.sourceDateEpoch,
  };
  return digestHex(await sha256(canonicalJson(facts)));
}
