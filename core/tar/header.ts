import { EngineError } from "../errors.ts";
import { decodeName, entryError, type Field, field, fieldBytes, readNumber } from "./field.ts";
import { normalizeName } from "./name.ts";
import { isSparse, realSize, type SparseSegment } from "./sparse.ts";

/** What an archive says about one entry; the same facts as the contract's `LayerEntry`, without the content. */
export interface TarHeader {
  /** Kind of entry. */
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "fifo" | "char" | "block";
  /** Relative, normalized; `.` for the root. */
  readonly path: string;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Numeric owner. */
  readonly uid: number;
  /** Numeric group. */
  readonly gid: number;
  /** Seconds since the Unix epoch; may be fractional. */
  readonly mtime: number;
  /** Bytes of content, holes of a sparse file included; 0 for all but files. */
  readonly size: number;
  /** Where a link points: a hard link's is normalized as a path, a symlink's is as given; empty for all others. */
  readonly target: string;
  /** Device number; 0 for all but devices. */
  readonly major: number;
  /** Device number; 0 for all but devices. */
  readonly minor: number;
  /** Extended attributes by full name. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
  /** Position of the first content byte that is stored, in bytes from the start of the archive. */
  readonly offset: number;
  /** Which parts of a sparse file are stored at `offset`, one right after the other; undefined when all of it is. */
  readonly sparse?: readonly SparseSegment[];
}

/** What the blocks before a header said about its entry. */
export interface Extension {
  /** Extended header records, those of this entry over the archive's own. */
  readonly pax: ReadonlyMap<string, Uint8Array>;
  /** GNU long name. */
  readonly name?: Uint8Array;
  /** GNU long link target. */
  readonly link?: Uint8Array;
}

const types: Readonly<Record<string, TarHeader["type"]>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
  D: "directory",
};

/** Bytes of content that follow a header in the archive, padding not counted. Throws `INVALID_ARGUMENT`. */
export function storedSize(block: Uint8Array, extension: Extension): number {
  const type = types[String.fromCharCode(block[156] ?? 0)];
  if (type !== "file" && type !== undefined && block[156] !== 0x44) return 0;
  const size = paxNumber(extension, "size") ?? readNumber(block, field.size);
  if (size === undefined || size < 0) throw entryError(entryName(block, extension), "its size is not a number");
  return size;
}

/** The entry that a header block describes, but for what only a sparse map tells. Throws `INVALID_ARGUMENT` and `UNSUPPORTED`. */
export function readHeader(block: Uint8Array, extension: Extension, offset: number): TarHeader {
  const rawName = entryName(block, extension);
  const path = normalizeName(rawName);
  const type = entryType(block, rawName);
  const number = (place: Field, key: string): number => readField(block, extension, { name: rawName, place, key });
  const isDevice = type === "char" || type === "block";
  const xattrs = readXattrs(extension.pax);
  if (path === "." && type !== "directory") throw entryError(rawName, "it has no name");
  return {
    type,
    path,
    mode: readField(block, extension, { name: rawName, place: field.mode, key: "mode" }) & 0o7777,
    uid: owner(number(field.uid, "uid"), rawName),
    gid: owner(number(field.gid, "gid"), rawName),
    mtime: readMtime(block, extension, rawName),
    size: type === "file" ? realSize(extension.pax, block) ?? storedSize(block, extension) : 0,
    target: readTarget(block, extension, type),
    major: isDevice ? owner(number(field.major, "SCHILY.devmajor"), rawName) : 0,
    minor: isDevice ? owner(number(field.minor, "SCHILY.devminor"), rawName) : 0,
    ...(xattrs === undefined ? {} : { xattrs }),
    offset,
  };
}

function entryName(block: Uint8Array, extension: Extension): string {
  const sparseName = isSparse(extension.pax) ? extension.pax.get("GNU.sparse.name") : undefined;
  const long = sparseName ?? extension.pax.get("path") ?? extension.name;
  if (long !== undefined) return decodeName(long);
  const name = decodeName(fieldBytes(block, field.name));
  const prefix = fieldBytes(block, prefixField(block));
  return prefix.length === 0 ? name : `${decodeName(prefix)}/${name}`;
}

/** Only POSIX headers have a name prefix; GNU ones hold other facts there, and star's is shorter. */
function prefixField(block: Uint8Array): Field {
  if (!hasText(block, 257, "ustar\0")) return noField;
  return hasText(block, 508, "tar\0") ? starPrefix : field.prefix;
}

const noField: Field = [0, 0];
const starPrefix: Field = [345, 131];

function hasText(block: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (block[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function entryType(block: Uint8Array, name: string): TarHeader["type"] {
  const flag = String.fromCharCode(block[156] ?? 0);
  const type = types[flag];
  if (type === undefined) {
    const shown = JSON.stringify(flag).slice(1, -1);
    throw new EngineError("UNSUPPORTED", `Cannot read tar entry "${name}": unknown entry type "${shown}"`, {
      detail: { what: `tar entry type ${shown}`, known: Object.keys(types).filter((known) => known !== "\0") },
    });
  }
  return type === "file" && name.endsWith("/") ? "directory" : type;
}

function readTarget(block: Uint8Array, extension: Extension, type: TarHeader["type"]): string {
  if (type !== "symlink" && type !== "hardlink") return "";
  const target = decodeName(extension.pax.get("linkpath") ?? extension.link ?? fieldBytes(block, field.link));
  const name = entryName(block, extension);
  if (target === "") throw entryError(name, "it is a link to nothing");
  if (target.includes("\0")) throw entryError(name, "its link target holds a NUL");
  return type === "hardlink" ? normalizeName(target) : target;
}

function readField(
  block: Uint8Array,
  extension: Extension,
  { name, place, key }: { readonly name: string; readonly place: Field; readonly key: string },
): number {
  const value = paxNumber(extension, key) ?? readNumber(block, place);
  if (value === undefined) throw entryError(name, `its ${key} is not a number`);
  return value;
}

function owner(value: number, name: string): number {
  if (value < 0 || value > 0xffffffff) throw entryError(name, `it has the owner or device number ${value}`);
  return value;
}

function readMtime(block: Uint8Array, extension: Extension, name: string): number {
  const bytes = extension.pax.get("mtime");
  if (bytes === undefined) {
    const seconds = readNumber(block, field.mtime);
    if (seconds === undefined) throw entryError(name, "its mtime is not a number");
    return seconds;
  }
  const text = decodeName(bytes);
  if (!/^-?\d{1,15}(\.\d*)?$/.test(text)) throw entryError(name, "its mtime is not a number");
  return Number(text);
}

function paxNumber(extension: Extension, key: string): number | undefined {
  const bytes = extension.pax.get(key);
  if (bytes === undefined) return undefined;
  const text = decodeName(bytes);
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot read tar archive: an extended header has the ${key} "${text.slice(0, 64)}"`,
  );
}

const xattrPrefix = "SCHILY.xattr.";

function readXattrs(pax: ReadonlyMap<string, Uint8Array>): Readonly<Record<string, Uint8Array>> | undefined {
  if (pax.size === 0) return undefined;
  const found: [string, Uint8Array][] = [];
  for (const [key, value] of pax) if (key.startsWith(xattrPrefix)) found.push([key.slice(xattrPrefix.length), value]);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
