import { EngineError } from "../errors.ts";
import { blockSize, entryError, type Field, readNumber } from "./field.ts";
import { maxExtendedBytes, type PaxRecord } from "./pax.ts";

/** A stored part of a sparse file: where it belongs, and its length in bytes. */
export type SparseSegment = readonly [offset: number, length: number];

const decoder = new TextDecoder();

/** Most stored parts a sparse file may have, so that its map stays bounded like every other extended header. */
export const maxSegments = maxExtendedBytes / 8;

/** Largest sparse file: 16 TiB, as ext4 has it. */
const maxSparseBytes = 2 ** 44;

/** Whether extended header records describe a sparse file (GNU tar, "Storing Sparse Files", PAX formats 0.0 to 1.0). */
export function isSparse(pax: ReadonlyMap<string, Uint8Array>): boolean {
  return pax.size > 0 &&
    (pax.has("GNU.sparse.major") || pax.has("GNU.sparse.map") || pax.has("GNU.sparse.numblocks"));
}

/** Whether the map of a sparse file comes before its content, in the content itself (PAX format 1.0). */
export function hasMapInContent(pax: ReadonlyMap<string, Uint8Array>): boolean {
  const major = pax.get("GNU.sparse.major");
  return major !== undefined && decoder.decode(major) === "1";
}

/** Size of a sparse file with its holes; undefined for any other file. Throws `INVALID_ARGUMENT`. */
export function realSize(pax: ReadonlyMap<string, Uint8Array>, block: Uint8Array): number | undefined {
  if (block[156] === 0x53) return checkedNumber(readNumber(block, oldRealSize));
  if (!isSparse(pax)) return undefined;
  const bytes = pax.get("GNU.sparse.realsize") ?? pax.get("GNU.sparse.size");
  return checkedNumber(bytes === undefined ? undefined : decimal(decoder.decode(bytes)));
}

const oldRealSize: Field = [483, 12];

/** Segments in an old GNU sparse header: four in the header itself, 21 in each block after it. Ends at the first empty one. */
export function readOldSegments(block: Uint8Array, [start, count]: Field): SparseSegment[] {
  const segments: SparseSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * 24;
    if (block[at] === 0 || block[at + 12] === 0) break;
    segments.push([checkedNumber(readNumber(block, [at, 12])), checkedNumber(readNumber(block, [at + 12, 12]))]);
  }
  return segments;
}

/** Segments told by extended header records (PAX formats 0.0 and 0.1); undefined when they tell none. */
export function readPaxSegments(records: readonly PaxRecord[]): SparseSegment[] | undefined {
  const numbers: number[] = [];
  let isMapped = false;
  for (const [key, value] of records) {
    if (key === "GNU.sparse.map") {
      isMapped = true;
      numbers.length = 0;
      if (value.length > 0) {
        for (const text of decoder.decode(value).split(",")) numbers.push(checkedNumber(decimal(text)));
      }
    } else if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      const isOffset = key === "GNU.sparse.offset";
      if (!isMapped && (numbers.length % 2 === 0) !== isOffset) throw malformed();
      if (!isMapped) numbers.push(checkedNumber(decimal(decoder.decode(value))));
    } else if (key === "GNU.sparse.numblocks") isMapped = false;
  }
  const isTold = records.some(([key]) => key === "GNU.sparse.map" || key === "GNU.sparse.numblocks");
  return isTold ? pairs(numbers) : undefined;
}

/**
 * Reads the map before a sparse file's content (PAX format 1.0): the number of segments, then offset and length of each,
 * one number a line, in whole blocks.
 */
export class SparseText {
  readonly #numbers: number[] = [];
  #line = "";

  /** Takes the next block; gives the segments when it holds the end of the map. Throws `INVALID_ARGUMENT`. */
  push(block: Uint8Array): SparseSegment[] | undefined {
    const lines = (this.#line + decoder.decode(block)).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      this.#numbers.push(checkedNumber(decimal(line)));
      const count = this.#numbers[0] ?? 0;
      if (count > maxSegments) throw malformed();
      if (this.#numbers.length === 1 + 2 * count) return pairs(this.#numbers.slice(1));
    }
    if (this.#line.length > blockSize) throw malformed();
    return undefined;
  }
}

/** Throws `INVALID_ARGUMENT` unless the segments are in order, inside the file, and as long together as what is stored. */
export function checkSegments(
  segments: readonly SparseSegment[],
  { name, size, stored }: { readonly name: string; readonly size: number; readonly stored: number },
): void {
  let end = 0;
  let total = 0;
  for (const [offset, length] of segments) {
    if (offset < end || offset + length > size) {
      throw entryError(name, "its sparse map is out of order or out of bounds");
    }
    end = offset + length;
    total += length;
  }
  if (segments.length > maxSegments) throw entryError(name, "its sparse map is too long");
  if (size > maxSparseBytes) throw entryError(name, `it is sparse and larger than ${maxSparseBytes} bytes`);
  if (total !== stored) throw entryError(name, `its sparse map tells of ${total} bytes, expected ${stored}`);
}

function pairs(numbers: readonly number[]): SparseSegment[] {
  if (numbers.length % 2 !== 0) throw malformed();
  const segments: SparseSegment[] = [];
  for (let i = 0; i < numbers.length; i += 2) segments.push([numbers[i] ?? 0, numbers[i + 1] ?? 0]);
  return segments;
}

function decimal(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

function checkedNumber(value: number | undefined): number {
  if (value === undefined || value < 0 || !Number.isSafeInteger(value)) throw malformed();
  return value;
}

function malformed(): EngineError {
  return new EngineError("INVALID_ARGUMENT", "Cannot read tar archive: the map of a sparse file is malformed");
}
