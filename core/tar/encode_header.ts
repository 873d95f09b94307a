import { EngineError } from "../errors.ts";
import type { ChunkBuffer } from "./chunk_buffer.ts";
import { blockSize, escapeText, type Field, field } from "./field.ts";
import { isNormalized } from "./name.ts";
import { maxExtendedBytes, type PaxRecord, writePaxRecords } from "./pax.ts";
import type { TarEntry } from "./tar_entry.ts";

const encoder = new TextEncoder();
const maxOctal7 = 0o7777777;
const maxOctal11 = 0o77777777777;
const flags = {
  file: 0x30,
  hardlink: 0x31,
  symlink: 0x32,
  char: 0x33,
  block: 0x34,
  directory: 0x35,
  fifo: 0x36,
} as const;
const paxFlag = 0x78;

/** Adds the header of an entry, with an extended one before it where needed. Throws `INVALID_ARGUMENT` and `UNSUPPORTED`. */
export function encodeHeader(entry: TarEntry, out: ChunkBuffer): void {
  check(entry);
  const records: PaxRecord[] = [];
  const path = entry.type === "directory" ? `${entry.path}/` : entry.path;
  const name = splitName(path);
  const target = entry.type === "symlink" || entry.type === "hardlink" ? entry.target : "";
  const size = entry.type === "file" ? entry.size : 0;
  if (name === undefined) records.push(["path", encoder.encode(path)]);
  if (!isPlain(target, 100)) records.push(["linkpath", encoder.encode(target)]);
  const facts: Facts = {
    name: name ?? ["", shorten(path, 100)],
    link: isPlain(target, 100) ? target : shorten(target, 100),
    flag: flags[entry.type],
    mode: entry.mode,
    uid: fits(records, ["uid", entry.uid, maxOctal7]),
    gid: fits(records, ["gid", entry.gid, maxOctal7]),
    size: fits(records, ["size", size, maxOctal11]),
    mtime: fits(records, ["mtime", entry.mtime, maxOctal11]),
    major: entry.type === "char" || entry.type === "block" ? entry.major : 0,
    minor: entry.type === "char" || entry.type === "block" ? entry.minor : 0,
  };
  for (const [key, value] of Object.entries(entry.xattrs ?? {})) records.push([xattrKey(entry, key), value]);
  if (records.length > 0) encodeExtended(entry, records, out);
  writeBlock(out.reserve(blockSize), facts);
}

interface Facts {
  readonly name: readonly [prefix: string, name: string];
  readonly link: string;
  readonly flag: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/** The number for the header; one that does not fit is recorded, and what stands in for it is 0, or a time's whole seconds. */
function fits(records: PaxRecord[], [key, value, most]: readonly [key: string, value: number, most: number]): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  records.push([key, encoder.encode(decimal(value))]);
  const whole = Math.floor(value);
  return whole >= 0 && whole <= most ? whole : 0;
}

/** Decimal text of a number, without an exponent; of times so small that they need one, whole nanoseconds. */
function decimal(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(9).replace(/\.?0+$/, "").replace(/^-0$/, "0") : text;
}

function encodeExtended(entry: TarEntry, records: readonly PaxRecord[], out: ChunkBuffer): void {
  const bytes = writePaxRecords(records);
  if (bytes.length > maxExtendedBytes) {
    throw cannotWrite(entry, `its names and attributes exceed ${maxExtendedBytes} bytes`);
  }
  const base = entry.path.slice(entry.path.lastIndexOf("/") + 1);
  writeBlock(out.reserve(blockSize), {
    name: ["", `PaxHeaders.0/${shorten(base, 80)}`],
    link: "",
    flag: paxFlag,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: bytes.length,
    mtime: 0,
    major: 0,
    minor: 0,
  });
  out.write(bytes);
  out.zeros((blockSize - bytes.length % blockSize) % blockSize);
}

function writeBlock(block: Uint8Array, facts: Facts): void {
  const [prefix, name] = facts.name;
  writeAscii(block, field.name, name);
  writeOctal(block, field.mode, facts.mode);
  writeOctal(block, field.uid, facts.uid);
  writeOctal(block, field.gid, facts.gid);
  writeOctal(block, field.size, facts.size);
  writeOctal(block, field.mtime, facts.mtime);
  block[156] = facts.flag;
  writeAscii(block, field.link, facts.link);
  writeAscii(block, field.magic, "ustar\0" + "00");
  writeOctal(block, field.major, facts.major);
  writeOctal(block, field.minor, facts.minor);
  writeAscii(block, field.prefix, prefix);
  let sum = 8 * 0x20;
  for (let i = 0; i < blockSize; i++) sum += block[i] ?? 0;
  writeOctal(block, [148, 7], sum);
  block[155] = 0x20;
}

function writeAscii(block: Uint8Array, [start]: Field, text: string): void {
  for (let i = 0; i < text.length; i++) block[start + i] = text.charCodeAt(i);
}

/** Octal digits that fill the field but for the NUL at its end. */
function writeOctal(block: Uint8Array, [start, length]: Field, value: number): void {
  let rest = value;
  for (let i = start + length - 2; i >= start; i--) {
    const next = Math.floor(rest / 8);
    block[i] = 0x30 + rest - next * 8;
    rest = next;
  }
}

/** The path as prefix and name of a ustar header; undefined when it is not ASCII or too long for them. */
function splitName(path: string): readonly [prefix: string, name: string] | undefined {
  if (isPlain(path, 100)) return ["", path];
  if (!isPlain(path, 256)) return undefined;
  const slash = path.indexOf("/", path.length - 101);
  if (slash <= 0 || slash > 155 || slash >= path.length - 1) return undefined;
  return [path.slice(0, slash), path.slice(slash + 1)];
}

function isPlain(text: string, most: number): boolean {
  if (text.length > most) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** What stands in a header for a name that an extended header tells. */
function shorten(name: string, length: number): string {
  return name.slice(0, length).replace(/[^\x20-\x7e]/g, "_");
}

function xattrKey(entry: TarEntry, name: string): string {
  if (/^[\x20-\x3c\x3e-\x7e]{1,255}$/.test(name)) return `SCHILY.xattr.${name}`;
  throw new EngineError(
    "UNSUPPORTED",
    `Cannot write tar entry "${escapeText(entry.path)}": no tar holds the extended attribute "${escapeText(name)}"`,
    { detail: { what: "extended attribute name" } },
  );
}

function check(entry: TarEntry): void {
  if (!entry.path.isWellFormed()) throw illFormed(entry, "its name");
  if (!isNormalized(entry.path)) throw cannotWrite(entry, "its path is not a normalized relative one");
  if (entry.path === "." && entry.type !== "directory") throw cannotWrite(entry, "the root is not a directory");
  checkNumber(entry, "mode", [entry.mode, 0o7777]);
  checkNumber(entry, "uid", [entry.uid, 0xffffffff]);
  checkNumber(entry, "gid", [entry.gid, 0xffffffff]);
  if (!Number.isFinite(entry.mtime) || Math.abs(entry.mtime) > 1e15) {
    throw cannotWrite(entry, "its mtime is not a time");
  }
  if (entry.type === "file") checkNumber(entry, "size", [entry.size, Number.MAX_SAFE_INTEGER]);
  if (entry.type === "char" || entry.type === "block") {
    checkNumber(entry, "major", [entry.major, maxOctal7]);
    checkNumber(entry, "minor", [entry.minor, maxOctal7]);
  }
  if (entry.type !== "symlink" && entry.type !== "hardlink") return;
  if (!entry.target.isWellFormed()) throw illFormed(entry, "its link target");
  if (entry.target === "" || entry.target.includes("\0")) throw cannotWrite(entry, "its link target is no path");
}

function checkNumber(entry: TarEntry, what: string, [value, most]: readonly [value: number, most: number]): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return;
  throw cannotWrite(entry, `its ${what} is ${value}, expected 0 to ${most}`);
}

function cannotWrite(entry: TarEntry, state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot write tar entry "${escapeText(entry.path)}": ${state}`, {
    detail: { field: "entry", value: entry.path },
  });
}

function illFormed(entry: TarEntry, what: string): EngineError {
  return new EngineError(
    "UNSUPPORTED",
    `Cannot write tar entry "${escapeText(entry.path)}": ${what} is not well-formed Unicode`,
    { detail: { what: "file name that is not UTF-8" } },
  );
}
