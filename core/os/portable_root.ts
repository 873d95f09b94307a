import { errnoOf, type FailedCall, osError } from "./errno.ts";
import type { FileStat, FileType } from "./file_stat.ts";
import type { OpenFile, Root } from "./root.ts";
import { notUtf8, type Scan, ScanBuilder } from "./scan.ts";

/**
 * Opens a directory for reading with what Deno offers: times in milliseconds, no extended attributes, and a check of
 * each path for symlinks before it is used. Where the host has no Unix permissions, files show as 0755.
 */
export function createPortableRoot(path: string): Root {
  const root = openPortable(path);
  return {
    path: root,
    lstat: (at) => lstatBelow(root, at),
    lstatNear: (at) => lstatBelow(root, at),
    scan: (at) => scanBelow(root, at),
    readLink: (at) =>
      attempt({ syscall: "readlink", action: "read link", path: at }, () => Deno.readLinkSync(hostPath(root, at))),
    open: (at) => openBelow(root, at),
    [Symbol.dispose]: () => {},
  };
}

/** The real path of a directory. */
export function openPortable(path: string): string {
  return attempt({ syscall: "realpath", action: "open directory", path }, () => {
    const real = Deno.realPathSync(path);
    if (Deno.lstatSync(real).isDirectory) return real;
    throw osError({ action: "open directory", syscall: "openat", errno: "ENOTDIR", path });
  });
}

/**
 * Host path of a path below a root. Throws errno `ELOOP` when a symlink is on the way; its last part is not looked at.
 */
export function hostPath(root: string, path: string): string {
  if (path === ".") return root;
  const parts = path.split("/");
  let at = root;
  for (const part of parts.slice(0, -1)) {
    at += "/" + part;
    if (Deno.lstatSync(at).isSymlink) throw osError({ action: "open", syscall: "openat", errno: "ELOOP", path });
  }
  return `${root}/${path}`;
}

/** State of a path below a root; undefined when absent. */
export function lstatBelow(root: string, path: string): FileStat | undefined {
  try {
    return statOf(Deno.lstatSync(hostPath(root, path)));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw wrap(error, { syscall: "lstat", action: "look at", path });
  }
}

/** Runs a call and makes what it throws an `OS_FAILED` error. */
export function attempt<T>(call: AttemptedCall, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw wrap(error, call);
  }
}

/** What {@linkcode attempt} runs, for the message of its error. */
export type AttemptedCall = Pick<FailedCall, "syscall" | "action" | "path">;

function wrap(cause: unknown, call: AttemptedCall): unknown {
  const errno = errnoOf(cause);
  return errno === undefined ? cause : osError({ ...call, errno, cause });
}

function scanBelow(root: string, path: string): Scan {
  return attempt({ syscall: "getdents64", action: "read directory", path }, () => {
    const builder = new ScanBuilder();
    const directory = hostPath(root, path);
    if (Deno.lstatSync(directory).isSymlink) {
      throw osError({ action: "read directory", syscall: "openat", errno: "ELOOP", path });
    }
    for (const { name } of Deno.readDirSync(directory)) {
      try {
        builder.addStat(name, statOf(Deno.lstatSync(`${directory}/${name}`)));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        // Deno decodes names with a replacement character, so one that is not UTF-8 cannot be found again.
        if (name.includes("\ufffd")) throw notUtf8(path, new TextEncoder().encode(name));
      }
    }
    return builder.finish({ xattrs: undefined, others: [] });
  });
}

function openBelow(root: string, path: string): OpenFile {
  return attempt({ syscall: "openat", action: "open", path }, () => {
    const host = hostPath(root, path);
    const before = Deno.lstatSync(host);
    if (before.isSymlink) throw osError({ action: "open", syscall: "openat", errno: "ELOOP", path });
    if (before.isFifo) throw osError({ action: "open", syscall: "openat", errno: "ENXIO", path });
    const file = Deno.openSync(host);
    return {
      stat: () => attempt({ syscall: "fstat", action: "look at", path }, () => statOf(file.statSync())),
      read: (into) => attempt({ syscall: "read", action: "read", path }, () => file.readSync(into) ?? 0),
      seek: (offset) => void file.seekSync(offset, Deno.SeekMode.Start),
      xattrs: () => undefined,
      [Symbol.dispose]: () => file.close(),
    };
  });
}

function statOf(info: Deno.FileInfo): FileStat {
  const mtime = splitTime(info.mtime);
  const ctime = splitTime(info.ctime);
  const inode = info.ino ?? 0;
  const rdev = info.rdev ?? 0;
  return {
    type: typeOf(info),
    mode: (info.mode ?? 0o755) & 0o7777,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
    links: info.nlink ?? 1,
    size: info.size,
    inodeHigh: Math.floor(inode / 0x1_0000_0000),
    inodeLow: inode % 0x1_0000_0000,
    device: info.dev,
    mtimeSeconds: mtime.seconds,
    mtimeNanos: mtime.nanos,
    ctimeSeconds: ctime.seconds,
    ctimeNanos: ctime.nanos,
    // The dev_t of Linux: 12 bits of major above 8 of minor, whose upper bits come after.
    major: Math.floor(rdev / 256) % 4096,
    minor: rdev % 256 + Math.floor(rdev / 0x10_0000) * 256,
  };
}

function splitTime(time: Date | null): { seconds: number; nanos: number } {
  const ms = time?.getTime() ?? 0;
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
}

function typeOf(info: Deno.FileInfo): FileType {
  if (info.isSymlink) return "symlink";
  if (info.isDirectory) return "directory";
  if (info.isFile) return "file";
  if (info.isFifo) return "fifo";
  if (info.isCharDevice) return "char";
  if (info.isBlockDevice) return "block";
  return "socket";
}
