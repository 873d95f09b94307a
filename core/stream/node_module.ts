import type * as Crypto from "node:crypto";

/**
 * `node:crypto`, loaded on first use and not before: importing it costs 20 ms of start-up (measured on Deno 2.9.6), which a
 * command that hashes nothing must not pay, and a hasher has to be made without waiting.
 */
export function nodeCrypto(): typeof Crypto {
  return globalThis.process.getBuiltinModule("node:crypto");
}
