import type { EngineError } from "../errors.ts";
import { osError, readErrno } from "./errno.ts";
import { createCStringBuffer, createNameBuffer, cString, type Libc, Sys } from "./libc.ts";

/** Longest path that a system call takes, its NUL included (linux/limits.h, PATH_MAX). */
const MAX_PATH = 4096;
const DIRECTORY = Sys.O_PATH | Sys.O_DIRECTORY | Sys.O_CLOEXEC;

/** A directory that is open to name what is in it. */
interface Near {
  /** Its path, empty for the root. */
  readonly directory: string;
  /** Where the last slash of the path of a file in it is; -1 for the root. */
  readonly length: number;
  readonly fd: number;
}

/** Opens files below a directory without following a symlink anywhere. */
export class LibcOpener implements Disposable {
  /** Absolute path of the directory, symlinks resolved. */
  readonly path: string;
  readonly #libc: Libc;
  readonly #root: number;
  readonly #bytesOf = createCStringBuffer(MAX_PATH);
  readonly #nameOf = createNameBuffer();
  readonly #how = new BigUint64Array([
    0n,
    0n,
    BigInt(Sys.RESOLVE_IN_ROOT | Sys.RESOLVE_NO_MAGICLINKS | Sys.RESOLVE_NO_SYMLINKS),
  ]);
  readonly #howBytes = new Uint8Array(this.#how.buffer);
  #hasOpenat2: boolean;
  #isOpen = true;
  #near: Near | undefined;
  #parents = 0;

  /**
   * Opens the directory itself. Below it, paths go through `openat2` with RESOLVE_IN_ROOT, NO_MAGICLINKS and
   * NO_SYMLINKS; on a kernel before 5.6, where a filter hides that call, or without `useOpenat2`, each part is opened
   * from its parent with O_NOFOLLOW, which gives the same.
   */
  constructor(path: string, libc: Libc, useOpenat2 = true) {
    this.#libc = libc;
    this.#hasOpenat2 = useOpenat2;
    this.path = realPath(path);
    this.#root = libc.openat(Sys.AT_FDCWD, cString(this.path), DIRECTORY, 0);
    if (this.#root < 0) throw this.failure("openat", path, "open directory");
  }

  /** Opens a path; throws `OS_FAILED`. The caller closes it. */
  open(path: string, flags: number, action: string): number {
    const fd = this.#tryOpen(path, flags);
    if (fd < 0) throw this.failure("openat2", path, action);
    return fd;
  }

  /** As `open`; undefined when the path, or a directory on the way to it, is absent. */
  find(path: string, flags: number, action: string): number | undefined {
    const fd = this.#tryOpen(path, flags);
    if (fd >= 0) return fd;
    const { name } = readErrno(this.#libc.errno());
    if (name === "ENOENT" || name === "ENOTDIR") return undefined;
    throw osError({ action, syscall: "openat2", errno: name, path });
  }

  /**
   * As `open`, by way of the directory the path is in, which stays open until another one is asked for: twice as fast
   * for many files of one directory. Should the directory be replaced meanwhile, its files are still those that it had,
   * which a look at the open file tells.
   */
  openNear(path: string, flags: number, action: string): number {
    const parent = this.openParent(path, action);
    const name = this.#nameOf(path);
    if (name === undefined) throw osError({ action, syscall: "openat", errno: "ENAMETOOLONG", path });
    const fd = this.#libc.openat(parent, name, flags | Sys.O_CLOEXEC | Sys.O_NOFOLLOW, 0);
    if (fd < 0) throw this.failure("openat", path, action);
    return fd;
  }

  /** The directory that a path is in, opened to name what is in it; open until another one is asked for. */
  openParent(path: string, action: string): number {
    const slash = path.lastIndexOf("/");
    const near = this.#near;
    if (near !== undefined && near.length === slash && path.startsWith(near.directory)) return near.fd;
    this.leaveParent();
    const directory = slash < 0 ? "" : path.slice(0, slash);
    const fd = this.open(slash < 0 ? "." : directory, Sys.O_PATH | Sys.O_DIRECTORY, action);
    this.#near = { directory, length: slash, fd };
    this.#parents++;
    return fd;
  }

  /** How many directories `openParent` has opened, so that they can be told apart. */
  get parents(): number {
    return this.#parents;
  }

  /** Closes what `openParent` left open, so that a directory that was replaced is not used any more. */
  leaveParent(): void {
    if (this.#near !== undefined) this.#libc.close(this.#near.fd);
    this.#near = undefined;
  }

  /** The error for a call that just failed; reads errno, so nothing may be called in between. */
  failure(syscall: string, path: string, action: string): EngineError {
    return osError({ action, syscall, errno: readErrno(this.#libc.errno()).name, path });
  }

  [Symbol.dispose](): void {
    this.leaveParent();
    if (this.#isOpen) this.#libc.close(this.#root);
    this.#isOpen = false;
  }

  #tryOpen(path: string, flags: number): number {
    if (this.#hasOpenat2) {
      const bytes = this.#bytesOf(path);
      if (bytes === undefined) throw osError({ action: "open", syscall: "openat2", errno: "ENAMETOOLONG", path });
      const fd = this.#openat2(bytes, flags | Sys.O_NOFOLLOW);
      if (fd >= 0 || !this.#isRefused()) return fd;
      this.#hasOpenat2 = false;
    }
    return this.#openParts(path, flags);
  }

  #openat2(bytes: Uint8Array<ArrayBuffer>, flags: number): number {
    this.#how[0] = BigInt(flags | Sys.O_CLOEXEC);
    return Number(this.#libc.syscall(Sys.openat2, BigInt(this.#root), bytes, this.#howBytes, 24n));
  }

  /**
   * Whether the call that just failed did so because the kernel or a filter refuses `openat2` itself; keeps errno when
   * not.
   */
  #isRefused(): boolean {
    const { name } = readErrno(this.#libc.errno());
    if (name !== "ENOSYS" && name !== "EPERM") return false;
    const fd = this.#openat2(cString("."), Sys.O_PATH);
    if (fd >= 0) this.#libc.close(fd);
    return fd < 0;
  }

  #openParts(path: string, flags: number): number {
    const parts = path.split("/");
    const last = parts.pop() ?? ".";
    let parent = this.#root;
    const leave = (): void => {
      if (parent !== this.#root) this.#libc.close(parent);
    };
    for (const part of parts) {
      const next = this.#libc.openat(parent, cString(part), DIRECTORY | Sys.O_NOFOLLOW, 0);
      leave();
      if (next < 0) return next;
      parent = next;
    }
    const fd = this.#libc.openat(parent, cString(last), flags | Sys.O_CLOEXEC | Sys.O_NOFOLLOW, 0);
    leave();
    return fd;
  }
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (cause) {
    const errno = cause instanceof Deno.errors.NotFound ? "ENOENT" : "EACCES";
    throw osError({ action: "open directory", syscall: "realpath", errno, path, cause });
  }
}
