import { blockSize, hasValidChecksum } from "../tar/field.ts";

/** Bytes that {@linkcode isTarStart} looks at. */
export const tarStartBytes = blockSize;

/** Whether a stream begins as a tar does: with a header, told by its checksum, or with the zeros that end an empty one. */
export function isTarStart(head: Uint8Array): boolean {
  if (head.length < blockSize) return false;
  const block = head.subarray(0, blockSize);
  return block.every((byte) => byte === 0) || hasValidChecksum(block);
}
