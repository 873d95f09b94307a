/** Kinds of files. */
export type FileType = "file" | "directory" | "symlink" | "fifo" | "char" | "block" | "socket";

/** What the file system says about one file, without following a symlink. */
export interface FileStat {
  /** Kind of file. */
  readonly type: FileType;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Numeric owner. */
  readonly uid: number;
  /** Numeric group. */
  readonly gid: number;
  /** Number of names it has. */
  readonly links: number;
  /** Length in bytes. */
  readonly size: number;
  /** Upper half of the inode number. */
  readonly inodeHigh: number;
  /** Lower half of the inode number. */
  readonly inodeLow: number;
  /** File system it is on, `major * 2^20 + minor`. */
  readonly device: number;
  /** Last change of content: whole seconds since the Unix epoch. */
  readonly mtimeSeconds: number;
  /** Nanoseconds that belong to `mtimeSeconds`. */
  readonly mtimeNanos: number;
  /** Last change of content or metadata: whole seconds since the Unix epoch. */
  readonly ctimeSeconds: number;
  /** Nanoseconds that belong to `ctimeSeconds`. */
  readonly ctimeNanos: number;
  /** Device number of a device file. */
  readonly major: number;
  /** Device number of a device file. */
  readonly minor: number;
}

/** Length of a stat record in 32-bit words; see {@linkcode copyStatx} for the order of its fields. */
export const RECORD_WORDS = 18;

/**
 * Kinds by the upper four bits of a mode (S_IFMT); what has no name here is nothing that is ever read, as a socket is
 * not.
 */
const types: readonly FileType[] = Array.from({ length: 16 }, (_, bits) => {
  const known: Readonly<Record<number, FileType>> = {
    1: "fifo",
    2: "char",
    4: "directory",
    6: "block",
    8: "file",
    10: "symlink",
  };
  return known[bits] ?? "socket";
});
const SOCKET_BITS = 12;

/** Copies what identifies a file from a `struct statx`, given as words, to a record at `to`; never its access time. */
export function copyStatx(statx: Int32Array, records: Int32Array, to: number): void {
  records[to] = statx[7] ?? 0; // mode, 16 bits
  records[to + 1] = statx[5] ?? 0; // uid
  records[to + 2] = statx[6] ?? 0; // gid
  records[to + 3] = statx[4] ?? 0; // links
  records[to + 4] = statx[10] ?? 0; // size
  records[to + 5] = statx[11] ?? 0;
  records[to + 6] = statx[8] ?? 0; // inode
  records[to + 7] = statx[9] ?? 0;
  records[to + 8] = statx[28] ?? 0; // mtime
  records[to + 9] = statx[29] ?? 0;
  records[to + 10] = statx[30] ?? 0;
  records[to + 11] = statx[24] ?? 0; // ctime
  records[to + 12] = statx[25] ?? 0;
  records[to + 13] = statx[26] ?? 0;
  records[to + 14] = statx[32] ?? 0; // rdev
  records[to + 15] = statx[33] ?? 0;
  records[to + 16] = statx[34] ?? 0; // dev
  records[to + 17] = statx[35] ?? 0;
}

/** The kind of file in the record at `at`. */
export function typeOfRecord(records: Int32Array, at: number): FileType {
  return types[((records[at] ?? 0) >> 12) & 0xf] ?? "socket";
}

/** The record at `at` as a {@linkcode FileStat}. */
export function readRecord(records: Int32Array, at: number): FileStat {
  const word = (i: number): number => records[at + i] ?? 0;
  const unsigned = (i: number): number => word(i) >>> 0;
  return {
    type: typeOfRecord(records, at),
    mode: word(0) & 0o7777,
    uid: unsigned(1),
    gid: unsigned(2),
    links: unsigned(3),
    size: word(5) * 0x1_0000_0000 + unsigned(4),
    inodeLow: unsigned(6),
    inodeHigh: unsigned(7),
    mtimeSeconds: word(9) * 0x1_0000_0000 + unsigned(8),
    mtimeNanos: unsigned(10),
    ctimeSeconds: word(12) * 0x1_0000_0000 + unsigned(11),
    ctimeNanos: unsigned(13),
    major: unsigned(14),
    minor: unsigned(15),
    device: unsigned(16) * 0x10_0000 + unsigned(17),
  };
}

/** Writes a stat to the record at `to`, the opposite of {@linkcode readRecord}. */
export function writeRecord(stat: FileStat, records: Int32Array, to: number): void {
  const bits = stat.type === "socket" ? SOCKET_BITS : types.indexOf(stat.type);
  const high = (value: number): number => Math.floor(value / 0x1_0000_0000);
  const low = (value: number): number => value - high(value) * 0x1_0000_0000;
  records.set([
    stat.mode | bits << 12,
    stat.uid,
    stat.gid,
    stat.links,
    low(stat.size),
    high(stat.size),
    stat.inodeLow,
    stat.inodeHigh,
    low(stat.mtimeSeconds),
    high(stat.mtimeSeconds),
    stat.mtimeNanos,
    low(stat.ctimeSeconds),
    high(stat.ctimeSeconds),
    stat.ctimeNanos,
    stat.major,
    stat.minor,
    Math.floor(stat.device / 0x10_0000),
    stat.device % 0x10_0000,
  ], to);
}

/**
 * Whether two stats are of the same file in the same state: nothing was written to it or changed about it in between.
 */
export function isUnchanged(before: FileStat, after: FileStat): boolean {
  return before.type === after.type && before.mode === after.mode && before.size === after.size &&
    before.mtimeSeconds === after.mtimeSeconds && before.mtimeNanos === after.mtimeNanos &&
    before.ctimeSeconds === after.ctimeSeconds && before.ctimeNanos === after.ctimeNanos && isSameFile(before, after);
}

/** Whether two stats are of the same file, changed or not. */
export function isSameFile(a: FileStat, b: FileStat): boolean {
  return a.inodeLow === b.inodeLow && a.inodeHigh === b.inodeHigh && a.device === b.device;
}

/** Text that is equal for two names of one file, for finding hard links. */
export function linkKey(stat: FileStat): string {
  return `${stat.device}:${stat.inodeHigh}:${stat.inodeLow}`;
}

/**
 * Time of the last change in seconds since the Unix epoch, cut to microseconds: nanoseconds do not fit a double, and
 * rounding up could carry a time into the next second.
 */
export function mtimeOf(stat: FileStat): number {
  return stat.mtimeSeconds + Math.floor(stat.mtimeNanos / 1000) / 1e6;
}
