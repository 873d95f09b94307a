import type { Kit } from "../../core/contract/mod.ts";

/** Bytes of a tar block. */
export const blockBytes = 512;

/** What a header block says about the data that follows it. */
export interface TarHeader {
  /** Name as in the header, prefix joined. */
  readonly name: string;
  /** Type flag character; `0` for the old NUL. */
  readonly type: string;
  /** Bytes of data. */
  readonly size: number;
  /** Link target. */
  readonly link: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** Reads a header block; undefined for a block of zeros. Throws `INVALID_ARGUMENT` when the block is none. */
export function readHeader(block: Uint8Array, kit: Kit): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const sum = readNumber(block.subarray(148, 156));
  let actual = 256;
  for (let at = 0; at < blockBytes; at++) actual += at >= 148 && at < 156 ? 0 : block[at] ?? 0;
  if (sum !== actual) throw kit.error("INVALID_ARGUMENT", "its header checksum is wrong");
  const size = readNumber(block.subarray(124, 136));
  if (!Number.isSafeInteger(size) || size < 0) throw kit.error("INVALID_ARGUMENT", "an entry has no valid size");
  const isUstar = readText(block.subarray(257, 262), kit) === "ustar" && block[262] === 0;
  const prefix = isUstar ? readText(block.subarray(345, 500), kit) : "";
  const name = readText(block.subarray(0, 100), kit);
  const flag = block[156] ?? 0;
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    type: flag === 0 ? "0" : String.fromCharCode(flag),
    size,
    link: readText(block.subarray(157, 257), kit),
  };
}

/** Text up to the first NUL. Throws `UNSUPPORTED` when it is not UTF-8. */
export function readText(field: Uint8Array, kit: Kit): string {
  const end = field.indexOf(0);
  try {
    return decoder.decode(end < 0 ? field : field.subarray(0, end));
  } catch (cause) {
    throw kit.error("UNSUPPORTED", "a name in it is not UTF-8", { cause });
  }
}

function readNumber(field: Uint8Array): number {
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    if (first !== 0x80) return -1;
    return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
  }
  const text = new TextDecoder("latin1").decode(field).replace(/[\0 ]+$/, "").trim();
  return text === "" ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : -1;
}

/**
 * Header block of a regular file or, with a trailing slash, a directory: owner 0, time 0, mode 0644 or 0755. Names have at
 * most 100 bytes; a size that octal cannot hold is written in base 256, which GNU tar, Go and libarchive read.
 */
export function writeHeader(name: string, size: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(blockBytes);
  const put = (text: string, at: number): void => void encoder.encodeInto(text, block.subarray(at));
  const isDirectory = name.endsWith("/");
  put(name, 0);
  put(isDirectory ? "0000755\0" : "0000644\0", 100);
  put("0000000\0" + "0000000\0", 108);
  if (size < 8 ** 11) put(`${size.toString(8).padStart(11, "0")}\0`, 124);
  else {
    block[124] = 0x80;
    let rest = size;
    for (let at = 135; at > 124 && rest > 0; at--, rest = Math.floor(rest / 256)) block[at] = rest % 256;
  }
  put("00000000000\0" + "        " + (isDirectory ? "5" : "0"), 136);
  put("ustar\0" + "00", 257);
  put("0000000\0" + "0000000\0", 329);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
