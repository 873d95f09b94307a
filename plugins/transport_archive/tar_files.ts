import type { ByteStream, Call, Kit } from "../../core/contract/mod.ts";
import { fileError, type Files, maxDocumentBytes, streamRange } from "./files.ts";
import { blockBytes, readHeader, readText, type TarHeader } from "./tar_header.ts";

/** Most entries an image archive may have. */
const maxEntries = 200_000;
/** Most links followed from one name. */
const maxLinks = 16;
/** Documents that may be there only once: two of them would show two images to two readers. */
const documents = new Set(["manifest.json", "index.json", "oci-layout", "repositories"]);

type Entry = { readonly type: "file"; readonly start: number; readonly size: number } | {
  readonly type: "link";
  readonly target: string;
};

/** A tar file. */
export interface TarPlace {
  readonly path: string;
  /** What messages call it; the path when left out. */
  readonly label?: string;
}

/**
 * Opens a plain tar file as {@linkcode Files} after one pass over its headers. Nothing is unpacked; links are followed inside the
 * archive only. Rejects `NOT_FOUND`, `INVALID_ARGUMENT` for what is no sound tar, `UNSUPPORTED` for compressed or unseekable input.
 */
export async function openTarFiles({ path, label = path }: TarPlace, kit: Kit, call: Call): Promise<Files> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (cause) {
    throw fileError(kit, "open archive", label, cause);
  }
  try {
    const entries = new Scan(file, label, kit).run(call);
    return new TarFiles(file, label, { kit, entries });
  } catch (cause) {
    file.close();
    throw fileError(kit, "read archive", label, cause);
  }
}

class Scan {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #kit: Kit;
  readonly #entries = new Map<string, Entry>();
  #longName: string | undefined;
  #longLink: string | undefined;
  #paxSize: number | undefined;

  constructor(file: Deno.FsFile, path: string, kit: Kit) {
    this.#file = file;
    this.#path = path;
    this.#kit = kit;
  }

  run(call: Call): Map<string, Entry> {
    const info = this.#file.statSync();
    if (!info.isFile) throw this.#fail("UNSUPPORTED", "it is not a regular file");
    this.#refuseCompressed();
    let at = 0;
    let count = 0;
    while (at + blockBytes <= info.size) {
      if (call.signal.aborted) throw this.#fail("CANCELED", "canceled");
      const header = this.#header(at);
      if (header === undefined) break;
      if (++count > maxEntries) throw this.#fail("INVALID_ARGUMENT", `more than ${maxEntries} entries`);
      const start = at + blockBytes;
      const isMeta = "xgLK".includes(header.type);
      const size = isMeta ? header.size : this.#paxSize ?? header.size;
      if (start + size > info.size) {
        throw this.#fail("INVALID_ARGUMENT", `entry "${shown(header.name)}" ends after the file does`);
      }
      if (isMeta) this.#readMeta(header, start);
      else this.#add(header, start, size);
      at = start + Math.ceil(size / blockBytes) * blockBytes;
    }
    if (count === 0) throw this.#fail("INVALID_ARGUMENT", "not a tar archive");
    return this.#entries;
  }

  #fail(code: "INVALID_ARGUMENT" | "UNSUPPORTED" | "CANCELED", state: string): Error {
    return this.#kit.error(code, `Cannot read archive "${this.#path}": ${state}`);
  }

  #header(at: number): TarHeader | undefined {
    try {
      return readHeader(this.#read(at, blockBytes), this.#kit);
    } catch (cause) {
      const state = cause instanceof Error ? cause.message : String(cause);
      const isUnsupported = cause instanceof Error && "code" in cause && cause.code === "UNSUPPORTED";
      if (isUnsupported) throw this.#fail("UNSUPPORTED", state);
      throw this.#fail("INVALID_ARGUMENT", at === 0 ? "not a tar archive" : state);
    }
  }

  #read(at: number, size: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(size);
    this.#file.seekSync(at, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < size) {
      const count = this.#file.readSync(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return bytes;
  }

  #refuseCompressed(): void {
    const head = this.#read(0, 6);
    const magics = [[0x1f, 0x8b], [0x42, 0x5a, 0x68], [0xfd, 0x37, 0x7a, 0x58, 0x5a], [0x28, 0xb5, 0x2f, 0xfd]];
    if (magics.some((magic) => magic.every((byte, at) => head[at] === byte))) {
      throw this.#kit.error("UNSUPPORTED", `Cannot read archive "${this.#path}": it is compressed`, {
        hint: "Use strata load, which decompresses, or decompress it first",
      });
    }
  }

  #readMeta(header: TarHeader, start: number): void {
    if (header.size > maxDocumentBytes) throw this.#fail("INVALID_ARGUMENT", "an extended header is too large");
    const bytes = this.#read(start, header.size);
    if (header.type === "L") this.#longName = readText(bytes, this.#kit);
    else if (header.type === "K") this.#longLink = readText(bytes, this.#kit);
    else if (header.type === "x") this.#readPax(bytes);
  }

  #readPax(bytes: Uint8Array): void {
    for (const [key, value] of paxRecords(bytes)) {
      if (key === "path") this.#longName = value;
      else if (key === "linkpath") this.#longLink = value;
      else if (key === "size" && /^\d{1,15}$/.test(value)) this.#paxSize = Number(value);
      else if (key.startsWith("GNU.sparse.")) throw this.#fail("UNSUPPORTED", "it has sparse entries");
    }
  }

  #add(header: TarHeader, start: number, size: number): void {
    const path = this.#clean(this.#longName ?? header.name);
    const link = this.#longLink ?? header.link;
    this.#longName = this.#longLink = this.#paxSize = undefined;
    if (path === "" || header.type === "5") return;
    if (documents.has(path) && this.#entries.has(path)) {
      throw this.#fail("INVALID_ARGUMENT", `"${path}" is in it twice`);
    }
    if (header.type === "0" || header.type === "7") this.#entries.set(path, { type: "file", start, size });
    else if (header.type === "1") this.#entries.set(path, { type: "link", target: this.#clean(link) });
    else if (header.type === "2") this.#entries.set(path, { type: "link", target: this.#clean(link, folderOf(path)) });
    else throw this.#fail("UNSUPPORTED", `entry "${shown(path)}" is no file, directory or link`);
  }

  /** The path without `.` parts, `..` resolved against `base`. Refuses what leads out of the archive. */
  #clean(path: string, base?: string): string {
    const parts = base === undefined || base === "" ? [] : base.split("/");
    if (path.startsWith("/")) throw this.#fail("INVALID_ARGUMENT", `"${shown(path)}" is absolute`);
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (part !== "..") parts.push(part);
      else if (base === undefined || parts.pop() === undefined) {
        throw this.#fail("INVALID_ARGUMENT", `"${shown(path)}" leads out of the archive`);
      }
    }
    return parts.join("/");
  }
}

class TarFiles implements Files {
  readonly label: string;
  readonly #file: Deno.FsFile;
  readonly #kit: Kit;
  readonly #entries: ReadonlyMap<string, Entry>;
  #isOpen = true;

  constructor(file: Deno.FsFile, label: string, parts: { kit: Kit; entries: ReadonlyMap<string, Entry> }) {
    this.#file = file;
    this.label = label;
    this.#kit = parts.kit;
    this.#entries = parts.entries;
  }

  size(path: string): Promise<number | undefined> {
    return Promise.resolve(this.#find(path)?.size);
  }

  open(path: string, call: Call, offset = 0): Promise<ByteStream> {
    const entry = this.#find(path);
    if (entry === undefined) {
      const error = this.#kit.error("NOT_FOUND", `Cannot open "${path}" of "${this.label}": not in the archive`, {
        detail: { kind: "file", name: path },
      });
      return Promise.reject(error);
    }
    const range = {
      file: this.#file,
      start: entry.start + Math.min(offset, entry.size),
      end: entry.start + entry.size,
    };
    return Promise.resolve(streamRange(range, { kit: this.#kit, label: this.label }, call));
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
    return Promise.resolve();
  }

  #find(path: string): { readonly start: number; readonly size: number } | undefined {
    let entry = this.#entries.get(path);
    for (let hops = 0; entry?.type === "link"; hops++) {
      if (hops >= maxLinks) return undefined;
      entry = this.#entries.get(entry.target);
    }
    return entry;
  }
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

function shown(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}

function* paxRecords(bytes: Uint8Array): Generator<[string, string]> {
  const decoder = new TextDecoder();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(decoder.decode(bytes.subarray(at, space)));
    if (!Number.isSafeInteger(length) || length < 5 || at + length > bytes.length) return;
    const record = decoder.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals > 0) yield [record.slice(0, equals), record.slice(equals + 1)];
    at += length;
  }
}
