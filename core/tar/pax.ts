import { concatBytes } from "../stream/collect.ts";
import { EngineError } from "../errors.ts";

/** Most bytes that the extended header or the long name of one entry may have. */
export const maxExtendedBytes = 1 << 20;

/** Extended header records by key, later ones winning; an empty value takes a record back (POSIX pax, "pax Extended Header"). */
export type PaxRecords = Map<string, Uint8Array>;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Key, then value, of one record. */
export type PaxRecord = readonly [key: string, value: Uint8Array];

/** The records of an extended header in order, repeated keys included. Throws `INVALID_ARGUMENT` on a malformed one. */
export function readPaxRecords(bytes: Uint8Array): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 || space - at > 8 ? undefined : readLength(bytes.subarray(at, space));
    if (length === undefined || at + length > bytes.length || at + length <= space + 1) throw malformed("a bad length");
    const end = at + length - 1;
    if (bytes[end] !== 0x0a) throw malformed("no line end");
    const equals = bytes.indexOf(0x3d, space + 1);
    if (equals <= space + 1 || equals >= end) throw malformed("no key");
    records.push([decoder.decode(bytes.subarray(space + 1, equals)), bytes.slice(equals + 1, end)]);
    at = end + 1;
  }
  return records;
}

function readLength(digits: Uint8Array): number | undefined {
  if (digits.length === 0) return undefined;
  let length = 0;
  for (const digit of digits) {
    if (digit < 0x30 || digit > 0x39) return undefined;
    length = length * 10 + digit - 0x30;
  }
  return length;
}

function malformed(state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read tar archive: an extended header has a record with ${state}`);
}

/** An extended header with the records in bytewise order of their keys, which are ASCII and unique. */
export function writePaxRecords(records: readonly PaxRecord[]): Uint8Array<ArrayBuffer> {
  const sorted = [...records].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return concatBytes(sorted.flatMap(([key, value]) => {
    const head = encoder.encode(` ${key}=`);
    return [encoder.encode(`${recordLength(head.length + value.length + 1)}`), head, value, encoder.encode("\n")];
  }));
}

/** Length of a record, its own digits included, given the length of the rest. */
function recordLength(rest: number): number {
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return length;
}
