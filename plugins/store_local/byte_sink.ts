import type { ByteStream, Call, Digest, Kit } from "../../core/contract/mod.ts";

/** Chunks from this size on are hashed while the system writes them; below, waiting for that would cost more. */
const OVERLAP_BYTES = 256 * 1024;

/** Size of the pieces in which a file is read back. */
const READ_BYTES = 1024 * 1024;

/** A running digest. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  digest(encoding: "hex"): string;
}

/** Starts a digest. Loads `node:crypto`, which costs 20 ms the first time. */
export async function createHash(algorithm: string): Promise<Hash> {
  const crypto = await import("node:crypto");
  return crypto.createHash(algorithm);
}

/** Digest of bytes at hand, without loading anything. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>, algorithm: string): Promise<Digest> {
  const name = algorithm === "sha512" ? "SHA-512" : "SHA-256";
  return `${algorithm}:${new Uint8Array(await crypto.subtle.digest(name, bytes)).toHex()}`;
}

/** Writes all of the bytes at the file's position and hashes them at the same time. */
export async function writeHashed(file: Deno.FsFile, bytes: Uint8Array<ArrayBuffer>, hash: Hash): Promise<void> {
  if (bytes.length < OVERLAP_BYTES) {
    hash.update(bytes);
    writeAll(file, bytes);
    return;
  }
  const writing = file.write(bytes);
  hash.update(bytes);
  const written = await writing;
  if (written < bytes.length) writeAll(file, bytes.subarray(written));
}

/** Writes all of the bytes at the file's position. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(at === 0 ? bytes : bytes.subarray(at));
}

/** Hashes the first bytes of a file from its position on; leaves the position behind them. False when it has fewer. */
export function hashFile(file: Deno.FsFile, size: number, hash: Hash): boolean {
  const buffer = new Uint8Array(Math.min(READ_BYTES, Math.max(size, 1)));
  for (let left = size; left > 0;) {
    const count = file.readSync(left < buffer.length ? buffer.subarray(0, left) : buffer);
    if (count === null) return false;
    hash.update(buffer.subarray(0, count));
    left -= count;
  }
  return true;
}

/** Chunks of a stream, which is cancelled when the loop ends early. Throws `CANCELED` when the caller gives up. */
export async function* chunksOf(
  stream: ByteStream,
  options: { readonly kit: Kit; readonly what: string },
  call: Call,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = stream.getReader();
  const giveUp = (): void => void reader.cancel(call.signal.reason).catch(() => {});
  call.signal.addEventListener("abort", giveUp, { once: true });
  let isDone = false;
  try {
    while (true) {
      if (call.signal.aborted) throw canceled(options, call);
      const next = await reader.read();
      // Giving up makes a read that waits end as if the stream did.
      if (call.signal.aborted) throw canceled(options, call);
      isDone = next.done;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    call.signal.removeEventListener("abort", giveUp);
    if (!isDone) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

function canceled(options: { readonly kit: Kit; readonly what: string }, call: Call): Error {
  return options.kit.error("CANCELED", `${options.what}: the operation was canceled`, { cause: call.signal.reason });
}
