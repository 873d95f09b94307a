/**
 * libc through FFI: the symbols, opened once a thread and only when used, and how to call them.
 *
 * Calls block and take well under 10 µs each; buffers are passed whole, so no address is ever computed here.
 *
 * @module
 */

const i32 = "i32", u32 = "u32", i64 = "i64", usize = "usize", buffer = "buffer";

const readSymbols = {
  __errno_location: { parameters: [], result: "pointer" },
  openat: { parameters: [i32, buffer, i32, u32], result: i32 },
  syscall: { parameters: [i64, i64, buffer, buffer, i64], result: i64 },
  close: { parameters: [i32], result: i32 },
  statx: { parameters: [i32, buffer, i32, u32, buffer], result: i32 },
  getdents64: { parameters: [i32, buffer, usize], result: "isize" },
  read: { parameters: [i32, buffer, usize], result: "isize" },
  lseek: { parameters: [i32, i64, i32], result: i64 },
  readlinkat: { parameters: [i32, buffer, buffer, usize], result: "isize" },
  flistxattr: { parameters: [i32, buffer, usize], result: "isize" },
  fgetxattr: { parameters: [i32, buffer, buffer, usize], result: "isize" },
} as const;

const writeSymbols = {
  write: { parameters: [i32, buffer, usize], result: "isize" },
  ftruncate: { parameters: [i32, i64], result: i32 },
  mkdirat: { parameters: [i32, buffer, u32], result: i32 },
  symlinkat: { parameters: [buffer, i32, buffer], result: i32 },
  linkat: { parameters: [i32, buffer, i32, buffer, i32], result: i32 },
  mknodat: { parameters: [i32, buffer, u32, "u64"], result: i32 },
  unlinkat: { parameters: [i32, buffer, i32], result: i32 },
  fchown: { parameters: [i32, u32, u32], result: i32 },
  fchownat: { parameters: [i32, buffer, u32, u32, i32], result: i32 },
  fchmod: { parameters: [i32, u32], result: i32 },
  fchmodat: { parameters: [i32, buffer, u32, i32], result: i32 },
  utimensat: { parameters: [i32, buffer, buffer, i32], result: i32 },
  futimens: { parameters: [i32, buffer], result: i32 },
  fsetxattr: { parameters: [i32, buffer, buffer, usize, i32], result: i32 },
  fremovexattr: { parameters: [i32, buffer], result: i32 },
} as const;

const mountSymbols = {
  mount: { parameters: [buffer, buffer, buffer, "u64", buffer], result: i32 },
  umount2: { parameters: [buffer, i32], result: i32 },
  unshare: { parameters: [i32], result: i32 },
  fcntl: { parameters: [i32, i32, i32], result: i32 },
} as const;

type Symbols<S extends Deno.ForeignLibraryInterface> = Deno.DynamicLibrary<S>["symbols"];

/** Calls that read, and the thread's errno. */
export interface Libc extends Symbols<typeof readSymbols> {
  /** Error number of the last failed call; valid until anything else is called. */
  errno(): number;
}

/** Calls that write. */
export type LibcWriter = Symbols<typeof writeSymbols>;

/** Calls that change what is mounted where, and what child processes get. */
export type LibcMounter = Symbols<typeof mountSymbols>;

/**
 * Flags and numbers of Linux's system call interface; the same on x86_64 and aarch64 but where a function gives them.
 */
export const Sys = {
  AT_FDCWD: -100,
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_REMOVEDIR: 0x200,
  AT_NO_AUTOMOUNT: 0x800,
  AT_EMPTY_PATH: 0x1000,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NONBLOCK: 0o4000,
  O_NOATIME: 0o1000000,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
  O_DIRECTORY: Deno.build.arch === "aarch64" ? 0o40000 : 0o200000,
  O_NOFOLLOW: Deno.build.arch === "aarch64" ? 0o100000 : 0o400000,
  RESOLVE_NO_MAGICLINKS: 0x02,
  RESOLVE_NO_SYMLINKS: 0x04,
  RESOLVE_IN_ROOT: 0x10,
  STATX_BASIC_STATS: 0x7ff,
  SEEK_SET: 0,
  CLONE_NEWNS: 0x20000,
  MS_RDONLY: 0x1n,
  MS_NOSUID: 0x2n,
  MS_NODEV: 0x4n,
  MS_REMOUNT: 0x20n,
  MS_BIND: 0x1000n,
  MS_REC: 0x4000n,
  MS_PRIVATE: 0x40000n,
  MNT_DETACH: 2,
  F_SETFD: 2,
  FD_CLOEXEC: 1,
  /** Number of `openat2`; one of those that are the same on every architecture. */
  openat2: 437n,
} as const;

// One library handle a thread: module state is per thread in Deno, and a handle must never be closed while a Root
// lives.
let reader: { readonly symbols: Libc; readonly path: string } | null | undefined;
let writer: LibcWriter | undefined;
let mounter: LibcMounter | undefined;

/** libc's reading calls, or undefined where there is no FFI permission, no Linux, or no libc with these symbols. */
export function openLibc(): Libc | undefined {
  if (reader === undefined) reader = load();
  return reader?.symbols;
}

/** libc's writing calls; as {@linkcode openLibc}. Opened apart because each symbol costs start-up time. */
export function openLibcWriter(): LibcWriter | undefined {
  if (openLibc() === undefined || !reader) return undefined;
  return writer ??= Deno.dlopen(reader.path, writeSymbols).symbols;
}

/** libc's mounting calls; as {@linkcode openLibcWriter}. */
export function openLibcMounter(): LibcMounter | undefined {
  if (openLibc() === undefined || !reader) return undefined;
  return mounter ??= Deno.dlopen(reader.path, mountSymbols).symbols;
}

function load(): { symbols: Libc; path: string } | null {
  for (const path of libcPaths()) {
    try {
      const { symbols } = Deno.dlopen(path, readSymbols);
      const location = symbols.__errno_location();
      if (location === null) continue;
      return { path, symbols: { ...symbols, errno: errnoReader(path, location) } };
    } catch {
      // Not there, or without a symbol: the next path is tried, and without any the portable implementation serves.
    }
  }
  return null;
}

/**
 * Reads the thread's errno: by a view of its memory, or, where FFI is permitted for this library only, by having libc
 * copy it.
 */
function errnoReader(path: string, location: NonNullable<Deno.PointerValue>): () => number {
  if (isPermitted()) {
    const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
    return () => errno[0] ?? 0;
  }
  const { memcpy } = Deno.dlopen(path, { memcpy: { parameters: [buffer, "pointer", usize], result: "void" } }).symbols;
  const errno = new Int32Array(1);
  const bytes = new Uint8Array(errno.buffer);
  return () => {
    memcpy(bytes, location, 4n);
    return errno[0] ?? 0;
  };
}

/** Names this process may open libc by: its soname where any library is permitted, else the absolute paths that are. */
function libcPaths(): string[] {
  if (Deno.build.os !== "linux") return [];
  if (isPermitted()) return ["libc.so.6", "libc.so"];
  const arch = Deno.build.arch;
  return [
    `/lib/${arch}-linux-gnu/libc.so.6`,
    `/usr/lib/${arch}-linux-gnu/libc.so.6`,
    "/lib64/libc.so.6",
    "/usr/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    `/lib/ld-musl-${arch}.so.1`,
  ].filter(isPermitted);
}

function isPermitted(path?: string): boolean {
  const query: Deno.FfiPermissionDescriptor = path === undefined ? { name: "ffi" } : { name: "ffi", path };
  return Deno.permissions.querySync(query).state === "granted";
}

const encoder = new TextEncoder();

/** A NUL-terminated copy of a string. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text + "\0");
}

/**
 * Makes a function that writes strings, NUL-terminated, to one buffer that it reuses; undefined for one that does not
 * fit.
 */
export function createCStringBuffer(maxBytes: number): (text: string) => Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(maxBytes);
  return (text) => writeCString(text, 0, bytes);
}

/** Longest name in a directory, its NUL included (linux/limits.h, NAME_MAX). */
const maxNameBytes = 256;

/** As {@linkcode createCStringBuffer} for the last part of a path. */
export function createNameBuffer(): (path: string) => Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(maxNameBytes);
  return (path) => writeCString(path, path.lastIndexOf("/") + 1, bytes);
}

/** Writes a string from a position on, byte by byte while it is ASCII, which most are: that is faster than a call. */
function writeCString(text: string, from: number, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const length = text.length - from;
  if (length >= bytes.length) return undefined;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(from + i);
    if (code >= 0x80) return encodeCString(text.slice(from), bytes);
    bytes[i] = code;
  }
  bytes[length] = 0;
  return bytes;
}

function encodeCString(text: string, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const { read, written } = encoder.encodeInto(text, bytes);
  if (read < text.length || written >= bytes.length) return undefined;
  bytes[written] = 0;
  return bytes;
}
