import { EngineError } from "../errors.ts";
import { zeros } from "../stream/zeros.ts";
import { BlockReader } from "./block_reader.ts";
import { blockSize, entryError, escapeBytes, field, fieldBytes, hasValidChecksum, readNumber } from "./field.ts";
import { type Extension, readHeader, storedSize, type TarHeader } from "./header.ts";
import { maxExtendedBytes, type PaxRecord, readPaxRecords } from "./pax.ts";
import {
  checkSegments,
  hasMapInContent,
  maxSegments,
  readOldSegments,
  readPaxSegments,
  type SparseSegment,
  SparseText,
} from "./sparse.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Handles the bytes that were waited for; gives an entry when they complete one. */
type Step = (bytes: Bytes) => TarHeader | undefined;

/** A stretch of content: bytes of the archive, or a hole. */
type Run = readonly [isStored: boolean, length: number];

const noRecords: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * Takes a tar apart without ever waiting: chunks are pushed in, entries and their content come out. Reads ustar, PAX, GNU
 * (long names, sparse files, base-256 numbers), star and V7 archives. Two zero blocks, or no more bytes where an entry
 * could begin, end one. What is thrown is `INVALID_ARGUMENT`, or `UNSUPPORTED` for what tar knows and strata does not.
 */
export class TarParser {
  readonly #input = new BlockReader();
  readonly #global = new Map<string, Uint8Array>();
  #records: readonly PaxRecord[] = [];
  #name: Uint8Array | undefined;
  #link: Uint8Array | undefined;
  #runs: readonly Run[] = [];
  #run = 0;
  #runDone = 0;
  #padding = 0;
  #isEnded = false;
  #wanted = blockSize;
  readonly #readBlock: Step = (block) => this.#block(block);
  readonly #readEnd: Step = (block) => this.#endBlock(block);
  #step: Step = this.#readBlock;

  /** Whether the archive's end was seen; what comes after it is not looked at. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Gives the next chunk, once `next` has returned undefined. Parts of it are handed out, so it must not change. */
  push(chunk: Bytes): void {
    this.#input.push(chunk);
  }

  /** Tells that no more chunks come. */
  end(): void {
    this.#input.end();
  }

  /**
   * The next entry, or the next piece of the content of the last one; undefined when the archive has ended or when
   * another chunk is needed first. Pieces are parts of chunks, and zeros, which are shared, where a sparse file has a hole.
   */
  next(): TarHeader | Bytes | undefined {
    while (!this.#isEnded) {
      const run = this.#runs[this.#run];
      if (run !== undefined) return this.#content(run) ?? this.#missing();
      const bytes = this.#input.take(this.#wanted);
      if (bytes === undefined) return this.#missing();
      const entry = this.#step(bytes);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #content([isStored, length]: Run): Bytes | undefined {
    const rest = length - this.#runDone;
    const piece = isStored ? this.#input.piece(rest) : zeros(rest);
    if (piece === undefined) return undefined;
    this.#runDone += piece.length;
    if (piece.length === rest) {
      this.#run++;
      this.#runDone = 0;
      if (this.#run === this.#runs.length) this.#input.skip(this.#padding);
    }
    return piece;
  }

  #missing(): undefined {
    if (!this.#input.isLast) return undefined;
    const canEnd = this.#step === this.#readBlock || this.#step === this.#readEnd;
    const isBetween = this.#run === this.#runs.length && canEnd && !this.#isExtended;
    if (!isBetween || !this.#input.isExhausted) {
      const run = this.#runs[this.#run];
      throw new EngineError(
        "INVALID_ARGUMENT",
        `Cannot read tar archive: it is cut off after ${this.#input.position} bytes`,
        { detail: { field: run === undefined ? "archive" : "entry" } },
      );
    }
    this.#isEnded = true;
  }

  get #isExtended(): boolean {
    return this.#records.length > 0 || this.#name !== undefined || this.#link !== undefined;
  }

  #wait(size: number, step: Step): undefined {
    this.#wanted = size;
    this.#step = step;
  }

  #block(block: Bytes): TarHeader | undefined {
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      return this.#wait(blockSize, this.#readEnd);
    }
    if (!hasValidChecksum(block)) {
      throw new EngineError(
        "INVALID_ARGUMENT",
        `Cannot read tar archive: the header at byte ${this.#input.position - blockSize} has a wrong checksum`,
      );
    }
    switch (String.fromCharCode(block[156] ?? 0)) {
      case "x":
      case "X":
        return this.#extended(block, (bytes) => void (this.#records = readPaxRecords(bytes)));
      case "g":
        return this.#extended(block, (bytes) => this.#readGlobal(bytes));
      case "L":
        return this.#extended(block, (bytes) => void (this.#name = fieldBytes(bytes, [0, bytes.length])));
      case "K":
        return this.#extended(block, (bytes) => void (this.#link = fieldBytes(bytes, [0, bytes.length])));
      case "V":
        this.#input.skip(padded(storedSize(block, this.#takeExtension())));
        return undefined;
      default:
        return this.#entry(block);
    }
  }

  #endBlock(block: Bytes): undefined {
    if (block.some((byte) => byte !== 0)) {
      throw new EngineError("INVALID_ARGUMENT", "Cannot read tar archive: an entry comes after its end");
    }
    this.#isEnded = true;
  }

  #extended(block: Bytes, read: (bytes: Bytes) => void): undefined {
    const size = readNumber(block, field.size);
    if (size === undefined || size < 0 || size > maxExtendedBytes) {
      const name = escapeBytes(fieldBytes(block, field.name));
      throw entryError(name, `its extended header is not between 0 and ${maxExtendedBytes} bytes long`);
    }
    const finish: Step = (bytes) => {
      read(bytes.subarray(0, size));
      this.#wait(blockSize, this.#readBlock);
    };
    if (size === 0) return void finish(new Uint8Array(0));
    this.#wait(padded(size), finish);
  }

  #readGlobal(bytes: Bytes): void {
    for (const [key, value] of readPaxRecords(bytes)) {
      if (value.length === 0) this.#global.delete(key);
      else this.#global.set(key, value);
    }
    let size = 0;
    for (const [key, value] of this.#global) size += key.length + value.length;
    if (size > maxExtendedBytes) {
      throw new EngineError(
        "INVALID_ARGUMENT",
        `Cannot read tar archive: its global headers exceed ${maxExtendedBytes} bytes`,
      );
    }
  }

  #takeExtension(): Extension {
    const extension = {
      pax: this.#pax(),
      ...(this.#name === undefined ? {} : { name: this.#name }),
      ...(this.#link === undefined ? {} : { link: this.#link }),
    };
    this.#records = [];
    this.#name = this.#link = undefined;
    return extension;
  }

  #pax(): ReadonlyMap<string, Uint8Array> {
    if (this.#records.length === 0) return this.#global.size === 0 ? noRecords : this.#global;
    const pax = new Map(this.#global);
    for (const [key, value] of this.#records) {
      if (value.length > 0 || key.startsWith("SCHILY.xattr.")) pax.set(key, value);
      else pax.delete(key);
    }
    return pax;
  }

  #entry(block: Bytes): TarHeader | undefined {
    const segments = readPaxSegments(this.#records);
    const extension = this.#takeExtension();
    const stored = storedSize(block, extension);
    const header = readHeader(block, extension, this.#input.position);
    if (header.type !== "file") {
      this.#input.skip(padded(stored));
      return header;
    }
    if (block[156] === 0x53) return this.#oldSparse(block, header, stored);
    if (hasMapInContent(extension.pax)) return this.#textSparse(header, stored);
    if (segments !== undefined) return this.#sparse(header, segments, stored);
    return this.#begin(header, stored > 0 ? [[true, stored]] : [], stored);
  }

  #begin(header: TarHeader, runs: readonly Run[], stored: number): TarHeader {
    this.#wait(blockSize, this.#readBlock);
    this.#runs = runs;
    this.#run = 0;
    this.#runDone = 0;
    this.#padding = padded(stored) - stored;
    return header;
  }

  #sparse(header: TarHeader, segments: readonly SparseSegment[], stored: number): TarHeader {
    checkSegments(segments, { name: header.path, size: header.size, stored });
    const sparse = segments.filter(([, length]) => length > 0);
    const runs: Run[] = [];
    let end = 0;
    for (const [offset, length] of sparse) {
      if (offset > end) runs.push([false, offset - end]);
      runs.push([true, length]);
      end = offset + length;
    }
    if (header.size > end) runs.push([false, header.size - end]);
    return this.#begin({ ...header, offset: this.#input.position, sparse }, runs, stored);
  }

  /** GNU's own sparse format: the map goes on in blocks of 21 segments as long as a flag says so. */
  #oldSparse(block: Bytes, header: TarHeader, stored: number): TarHeader | undefined {
    const segments = readOldSegments(block, [386, 4]);
    if (block[482] === 0) return this.#sparse(header, segments, stored);
    const more: Step = (next) => {
      for (const segment of readOldSegments(next, [0, 21])) segments.push(segment);
      if (segments.length > maxSegments) throw entryError(header.path, "its sparse map is too long");
      return next[504] === 0 ? this.#sparse(header, segments, stored) : undefined;
    };
    return this.#wait(blockSize, more);
  }

  /** PAX format 1.0: the map is text in whole blocks at the start of what is stored. */
  #textSparse(header: TarHeader, stored: number): TarHeader | undefined {
    const text = new SparseText();
    let left = stored;
    const more: Step = (block) => {
      left -= blockSize;
      const segments = left < 0 ? undefined : text.push(block);
      if (left < 0 || (segments === undefined && left === 0)) {
        throw entryError(header.path, "its sparse map is cut off");
      }
      return segments === undefined ? undefined : this.#sparse(header, segments, left);
    };
    return this.#wait(blockSize, more);
  }
}

/** Length of content with its padding to whole blocks. */
function padded(size: number): number {
  return size + (blockSize - size % blockSize) % blockSize;
}
