import type * as Crypto from "node:crypto";

// The way to it is noted at once, because the sandbox of a plugin takes the global away; following it is what loads Node's part.
const found = Object.getOwnPropertyDescriptor(globalThis, "process");

/**
 * `node:crypto`, loaded on first use and not before: importing it costs 20 ms of start-up (measured on Deno 2.9.6), which a
 * command that hashes nothing must not pay, and a hasher has to be made without waiting.
 */
export function nodeCrypto(): typeof Crypto {
  const process: typeof globalThis.process = found?.get === undefined ? found?.value : found.get.call(globalThis);
  return process.getBuiltinModule("node:crypto");
}
