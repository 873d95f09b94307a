import { osError } from "./errno.ts";
import { attempt, hostPath, lstatBelow, openPortable } from "./portable_root.ts";
import type { FileAttributes, RootWriter, WritableFile } from "./root.ts";

/**
 * Opens a directory for writing with what Deno offers: times in milliseconds, extended attributes and devices refused,
 * and a check of each path for symlinks before it is used.
 */
export function createPortableWriter(path: string): RootWriter {
  const root = openPortable(path);
  const write = (syscall: string, at: string, run: (host: string) => void): void =>
    attempt({ syscall, action: "write", path: at }, () => run(hostPath(root, at)));
  return {
    path: root,
    lstat: (at) => lstatBelow(root, at),
    makeDirectory: (at) => write("mkdirat", at, (host) => Deno.mkdirSync(host, { mode: 0o700 })),
    createFile: (at) =>
      attempt({ syscall: "openat", action: "write", path: at }, () => createAt(hostPath(root, at), at)),
    symlink: (target, at) => write("symlinkat", at, (host) => Deno.symlinkSync(target, host)),
    link: (existing, at) => write("linkat", at, (host) => Deno.linkSync(hostPath(root, existing), host)),
    makeNode(at): never {
      throw osError({ action: "write", syscall: "mknodat", errno: "EPERM", path: at });
    },
    setAttributes(at, attributes): readonly string[] {
      write("chmod", at, (host) => setAt(host, attributes));
      return Object.keys(attributes.xattrs ?? {});
    },
    unlink: (at) => write("unlinkat", at, removeFile),
    [Symbol.dispose]: () => {},
  };
}

function createAt(host: string, path: string): WritableFile {
  const file = Deno.openSync(host, { write: true, createNew: true, mode: 0o600 });
  let length = 0;
  return {
    write: (bytes) =>
      attempt({ syscall: "write", action: "write", path }, () => {
        for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
        length += bytes.length;
      }),
    skip(bytes): void {
      length += bytes;
      file.seekSync(length, Deno.SeekMode.Start);
    },
    setAttributes(attributes): readonly string[] {
      attempt({ syscall: "chmod", action: "write", path }, () => setAt(host, attributes));
      return Object.keys(attributes.xattrs ?? {});
    },
    end: () => attempt({ syscall: "ftruncate", action: "write", path }, () => file.truncateSync(length)),
    [Symbol.dispose]: () => file.close(),
  };
}

function setAt(host: string, { owner, mode, mtime }: FileAttributes): void {
  const isSymlink = Deno.lstatSync(host).isSymlink;
  // Deno's calls follow symlinks, and it has none that do not.
  if (isSymlink) return;
  if (Deno.build.os !== "windows") {
    if (owner) Deno.chownSync(host, owner.uid, owner.gid);
    Deno.chmodSync(host, mode);
  }
  Deno.utimeSync(host, new Date(mtime * 1000), new Date(mtime * 1000));
}

function removeFile(host: string): void {
  const { isDirectory } = Deno.lstatSync(host);
  if (isDirectory) throw osError({ action: "remove", syscall: "unlinkat", errno: "EISDIR", path: host });
  Deno.removeSync(host);
}
