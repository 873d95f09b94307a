/** So many that a file of terabytes takes thousands of pieces, not millions; memory that is only read takes none. */
const shared = new Uint8Array(4 << 20);

/** At most `size` zeros, fewer when that is a lot; part of memory that is shared, so it must neither be changed nor transferred. */
export function zeros(size: number): Uint8Array<ArrayBuffer> {
  return shared.subarray(0, size);
}

/** Whether bytes come from {@linkcode zeros}. */
export function areZeros(bytes: Uint8Array): boolean {
  return bytes.buffer === shared.buffer;
}
