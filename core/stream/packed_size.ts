type Bytes = Uint8Array<ArrayBuffer>;

/** Reads bytes at an offset; fewer when there are no more. */
export type ReadAt = (offset: number, length: number) => Bytes;

/** Blocks and frames that are looked at; with more of them the size stays unknown. */
const maxSteps = 1 << 16;
/** Bytes that a block of zstd stands for at most (RFC 8878, 3.1.1.2.4). Encoders fill all but the last. */
const zstdBlockBytes = 128 << 10;

/** Bytes that gzip data unpacks to, modulo 2^32, as its end says (RFC 1952, "ISIZE"): of several members in a row it is the last one's. */
export function sizeInGzip(readAt: ReadAt, size: number): number | undefined {
  const end = readAt(Math.max(0, size - 4), 4);
  return end.length < 4 ? undefined : numberOf(end);
}

/**
 * Bytes that zstd data unpacks to, as its frames say, else as many as its blocks can stand for (RFC 8878, 3.1). Looks at the headers of
 * frames and blocks alone, at most at 65,536 of them; undefined with more, and for what is no zstd.
 */
export function sizeInZstd(readAt: ReadAt, size: number): number | undefined {
  let total = 0;
  let at = 0;
  for (let step = 0; step < maxSteps && at < size; step++) {
    const head = readAt(at, 18);
    if (head.length >= 8 && isSkippable(head)) {
      at += 8 + numberOf(head.subarray(4, 8));
      continue;
    }
    const frame = readFrame(head);
    if (frame === undefined) return undefined;
    at += frame.headerBytes;
    let blocks = 0;
    for (let isLast = false; !isLast; step++) {
      const header = readAt(at, 3);
      if (header.length < 3 || step >= maxSteps) return undefined;
      const block = readBlock(numberOf(header));
      isLast = block.isLast;
      blocks += block.size;
      at += 3 + block.stored;
    }
    at += frame.checksumBytes;
    total += frame.contentSize ?? blocks;
  }
  return at === size ? total : undefined;
}

function isSkippable(head: Bytes): boolean {
  const magic = numberOf(head.subarray(0, 4));
  return magic >= 0x184d2a50 && magic <= 0x184d2a5f;
}

interface Frame {
  readonly headerBytes: number;
  readonly checksumBytes: number;
  readonly contentSize: number | undefined;
}

/** The header of a frame (RFC 8878, 3.1.1.1). */
function readFrame(head: Bytes): Frame | undefined {
  const descriptor = head[4];
  if (descriptor === undefined || numberOf(head.subarray(0, 4)) !== 0xfd2fb528) return undefined;
  const isSingle = (descriptor & 0x20) !== 0;
  const flag = descriptor >> 6;
  const sizeBytes = flag === 0 ? (isSingle ? 1 : 0) : 1 << flag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeAt = 5 + (isSingle ? 0 : 1) + dictionaryBytes;
  const headerBytes = sizeAt + sizeBytes;
  if (head.length < headerBytes) return undefined;
  const written = numberOf(head.subarray(sizeAt, headerBytes));
  return {
    headerBytes,
    checksumBytes: (descriptor & 4) === 0 ? 0 : 4,
    contentSize: sizeBytes === 0 ? undefined : sizeBytes === 2 ? written + 256 : written,
  };
}

/** The header of a block (RFC 8878, 3.1.1.2): how many bytes it takes, and how many it stands for at most. */
function readBlock(header: number): { readonly isLast: boolean; readonly stored: number; readonly size: number } {
  const length = header >> 3;
  const isRepeated = ((header >> 1) & 3) === 1;
  const isCompressed = ((header >> 1) & 3) === 2;
  return {
    isLast: (header & 1) !== 0,
    stored: isRepeated ? 1 : length,
    size: isCompressed ? zstdBlockBytes : length,
  };
}

/** An unsigned number, its low byte first. */
function numberOf(bytes: Uint8Array): number {
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0);
}
