import { RECORD_WORDS, typeOfRecord } from "../os/file_stat.ts";
import type { ScannedDirectory } from "./context_walk.ts";

/** Bytes that are gathered before they are folded into one hash, so that a huge context does not fill the memory. */
const FOLD_BYTES = 16 * 1024 * 1024;
const RECORD_BYTES = RECORD_WORDS * 4;
const encoder = new TextEncoder();

/**
 * Digests what the file system says about the files of a walk: paths, kinds, modes, sizes, times and inodes. While it
 * is the same as before, so are the files. It goes through WebCrypto, as loading another hash would take longer than
 * all of it.
 */
export class Fingerprint {
  #bytes = new Uint8Array(256 * 1024);
  #length = 0;

  /** Adds a directory with its children. */
  async add({ directory, scan, taken }: ScannedDirectory): Promise<void> {
    const names = taken === undefined ? scan.names : taken.map((index) => scan.names[index] ?? "");
    const xattrs = scan.xattrs === undefined
      ? ""
      : JSON.stringify(Object.entries(scan.xattrs).map(([k, v]) => [k, v.toHex()]));
    // No name holds a slash or a NUL, so nothing else reads the same.
    this.#addText(`${directory}\0${names.join("/")}\0${xattrs}\0${names.length}\0`);
    this.#addRecords(scan, taken);
    if (this.#length > FOLD_BYTES) this.#addFirst(await this.#hash());
  }

  /** Fingerprint of all that was added, in hex. */
  async result(): Promise<string> {
    return (await this.#hash()).toHex();
  }

  #addRecords(scan: ScannedDirectory["scan"], taken: readonly number[] | undefined): void {
    const { records } = scan;
    const count = taken?.length ?? scan.names.length;
    // Records are words, and lie on word bounds; what is left between is zeros.
    this.#grow(count * RECORD_BYTES + 4);
    const start = (this.#length + 3) & ~3;
    this.#bytes.fill(0, this.#length, start);
    this.#length = start + count * RECORD_BYTES;
    const words = new Int32Array(this.#bytes.buffer, start, count * RECORD_WORDS);
    if (taken === undefined) words.set(records);
    else taken.forEach((from, to) => words.set(recordAt(records, from), to * RECORD_WORDS));
    for (let i = 0; i < count; i++) {
      // Of a directory only kind and mode count: its times change with children that are left out.
      const at = i * RECORD_WORDS;
      if (typeOfRecord(words, at) === "directory") words.fill(0, at + 1, at + RECORD_WORDS);
    }
  }

  #addText(text: string): void {
    this.#grow(text.length * 3);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  #addFirst(bytes: Uint8Array): void {
    this.#bytes.set(bytes);
    this.#length = bytes.length;
  }

  #grow(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  async #hash(): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", this.#bytes.subarray(0, this.#length)));
  }
}

function recordAt(records: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  return records.subarray(index * RECORD_WORDS, (index + 1) * RECORD_WORDS);
}
