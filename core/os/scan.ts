import { EngineError } from "../errors.ts";
import { type FileStat, type FileType, readRecord, RECORD_WORDS, typeOfRecord, writeRecord } from "./file_stat.ts";

/** Extended attributes by full name. */
export type Xattrs = Readonly<Record<string, Uint8Array>>;

/** Extended attributes of a directory: those that belong into an image, and the names of others. */
export interface DirectoryXattrs {
  readonly xattrs: Xattrs | undefined;
  readonly others: readonly string[];
}

/**
 * Names and states of a directory's children, in the order the file system gave, which is the same again while the
 * directory is unchanged. States are packed records, so that a directory of many files costs no object for each, and
 * two scans compare as bytes.
 */
export class Scan {
  /** Names, without `.` and `..`. */
  readonly names: readonly string[];
  /** Extended attributes of the directory itself; undefined when it has none. */
  readonly xattrs: Xattrs | undefined;
  /** Names of further extended attributes of the directory, which do not belong into an image. */
  readonly otherXattrs: readonly string[];
  readonly #records: Int32Array<ArrayBuffer>;
  #indexes: Map<string, number> | undefined;

  /** A scan of names whose records are at the same index. */
  constructor(names: readonly string[], records: Int32Array<ArrayBuffer>, { xattrs, others }: DirectoryXattrs) {
    this.names = names;
    this.xattrs = xattrs;
    this.otherXattrs = others;
    this.#records = records;
  }

  /** Index of a name; undefined when there is no such child. */
  indexOf(name: string): number | undefined {
    this.#indexes ??= new Map(this.names.map((known, index) => [known, index]));
    return this.#indexes.get(name);
  }

  /** State of the child at an index. */
  stat(index: number): FileStat {
    return readRecord(this.#records, index * RECORD_WORDS);
  }

  /** Kind of the child at an index. */
  type(index: number): FileType {
    return typeOfRecord(this.#records, index * RECORD_WORDS);
  }

  /** Number of names that the child at an index has. */
  links(index: number): number {
    return (this.#records[index * RECORD_WORDS + 3] ?? 0) >>> 0;
  }

  /** All records in order; a view that must not be written to. */
  get records(): Int32Array<ArrayBuffer> {
    return this.#records.subarray(0, this.names.length * RECORD_WORDS);
  }
}

/** Collects a {@linkcode Scan}. */
export class ScanBuilder {
  readonly #names: string[] = [];
  #records: Int32Array<ArrayBuffer> = new Int32Array(RECORD_WORDS * 16);

  /** Words that the records are in; another array after an `add`. */
  get records(): Int32Array<ArrayBuffer> {
    return this.#records;
  }

  /** Adds a name and returns the word of `records` that its record starts at. */
  add(name: string): number {
    const at = (this.#names.push(name) - 1) * RECORD_WORDS;
    if (at + RECORD_WORDS > this.#records.length) {
      const grown = new Int32Array(this.#records.length * 2);
      grown.set(this.#records);
      this.#records = grown;
    }
    return at;
  }

  /** Adds a name with its state. */
  addStat(name: string, stat: FileStat): void {
    const at = this.add(name);
    writeRecord(stat, this.#records, at);
  }

  /** What was added, and extended attributes of the directory itself. */
  finish(xattrs: DirectoryXattrs): Scan {
    return new Scan(this.#names, this.#records, xattrs);
  }
}

/** The error for a file name that is not UTF-8; its bytes are shown escaped, as `\xe9`. */
export function notUtf8(directory: string, name: Uint8Array): EngineError {
  const shown = Array.from(name.subarray(0, 255), escapeByte).join("");
  const path = directory === "." ? shown : `${directory}/${shown}`;
  return new EngineError("UNSUPPORTED", `Cannot read file "${path}": its name is not UTF-8`, {
    detail: { what: "file name", value: path },
    hint: "Rename the file, or leave out its directory with .dockerignore",
  });
}

function escapeByte(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
}
