/**
 * What is mounted where. All of it happens in a mount namespace of this process's own, so that nothing is left when the process
 * dies, however it does. Deno's asynchronous calls run on other threads, which do not see these mounts: paths below one are for
 * synchronous calls and child processes only.
 *
 * @module
 */
import { EngineError } from "../errors.ts";
import { osError, readErrno } from "./errno.ts";
import { cString, type Libc, type LibcMounter, openLibc, openLibcMounter, Sys } from "./libc.ts";

/** An overlay of directories. */
export interface Overlay {
  /** Read-only directories, topmost first; two at least when there is no `upper`. */
  readonly lowers: readonly string[];
  /** Where changes go, with an empty directory of the same file system that the kernel works in; read-only when left out. */
  readonly upper?: { readonly path: string; readonly work: string };
  /** Directory it is mounted on. */
  readonly target: string;
  /** Further options, such as `index=on`. */
  readonly options: readonly string[];
}

/** Mounts and unmounts. */
export interface Mounter {
  /** Throws `OS_FAILED` with the errno that `mount` gave: `EINVAL` for options that the kernel does not take. */
  overlay(overlay: Overlay): void;
  /** An empty file system in memory; `maxBytes` is the most it holds. */
  tmpfs(target: string, options: { readonly mode: number; readonly maxBytes?: number }): void;
  /** Makes a file or a directory's own file system read-only for this process and those it starts, once and for good. */
  protect(path: string): void;
  /** Takes a mount away at once; files that are open stay usable. Nothing happens where nothing is mounted. */
  unmount(target: string): void;
}

// A process enters a namespace of its own once; entering again would only nest.
let entered: Mounter | undefined;

/**
 * Gives this process a mount namespace of its own, once, and the calls to mount in it. Throws `OS_FAILED` with errno `EPERM` without
 * the privilege, `UNSUPPORTED` where there is no libc to call.
 */
export function enterMountNamespace(): Mounter {
  if (entered !== undefined) return entered;
  const libc = openLibc();
  const mounter = openLibcMounter();
  if (libc === undefined || mounter === undefined) {
    throw new EngineError("UNSUPPORTED", "Cannot mount file systems: this process may not call the C library", {
      detail: { what: "mount", known: ["linux with FFI permitted"] },
      hint: "Run on Linux, and allow FFI",
    });
  }
  if (mounter.unshare(Sys.CLONE_NEWNS) !== 0) throw failure(libc, "unshare", "/");
  const nothing = cString("none");
  if (mounter.mount(nothing, cString("/"), nothing, Sys.MS_REC | Sys.MS_PRIVATE, nothing) !== 0) {
    throw failure(libc, "mount", "/");
  }
  return entered = createMounter(libc, mounter);
}

function createMounter(libc: Libc, mounter: LibcMounter): Mounter {
  const mount = (type: string, target: string, data: string): void => {
    if (mounter.mount(cString(type), cString(target), cString(type), 0n, cString(data)) !== 0) {
      throw failure(libc, "mount", target);
    }
  };
  const isProtected = new Set<string>();
  return {
    protect(path): void {
      if (isProtected.has(path)) return;
      const target = cString(path);
      const bind = (flags: bigint): number => mounter.mount(target, target, cString("none"), flags, cString(""));
      if (bind(Sys.MS_BIND) !== 0) throw failure(libc, "mount", path);
      isProtected.add(path);
      if (bind(Sys.MS_REMOUNT | Sys.MS_BIND | Sys.MS_RDONLY) !== 0) throw failure(libc, "mount", path);
    },
    overlay: (overlay) => mountOverlay(overlay, { libc, mount }),
    tmpfs: (target, { mode, maxBytes }) =>
      mount("tmpfs", target, `mode=${mode.toString(8)}${maxBytes === undefined ? "" : `,size=${maxBytes}`}`),
    unmount(target): void {
      if (mounter.umount2(cString(target), Sys.MNT_DETACH) === 0) return;
      const { name } = readErrno(libc.errno());
      if (name !== "EINVAL" && name !== "ENOENT") {
        throw osError({ action: "unmount", syscall: "umount2", errno: name, path: target });
      }
    },
  };
}

/** Most bytes of options that the kernel reads (fs/namespace.c, one page). */
const maxOptionBytes = 4095;

/**
 * Directories are named by descriptors: the kernel reads one page of options, which paths would fill where 200 directories fit so, and
 * commas, colons and backslashes in paths mean something there.
 */
function mountOverlay(
  overlay: Overlay,
  { libc, mount }: { libc: Libc; mount: (type: string, target: string, data: string) => void },
): void {
  const descriptors: number[] = [];
  const name = (path: string): string => {
    const fd = libc.openat(Sys.AT_FDCWD, cString(path), Sys.O_PATH | Sys.O_DIRECTORY | Sys.O_CLOEXEC, 0);
    if (fd < 0) throw failure(libc, "openat", path);
    descriptors.push(fd);
    return `/proc/self/fd/${fd}`;
  };
  try {
    const { upper } = overlay;
    const options = [
      `lowerdir=${overlay.lowers.map(name).join(":")}`,
      ...(upper === undefined ? [] : [`upperdir=${name(upper.path)}`, `workdir=${name(upper.work)}`]),
      ...overlay.options,
    ].join(",");
    if (options.length > maxOptionBytes) {
      throw new EngineError("UNSUPPORTED", `Cannot put ${overlay.lowers.length} layers on top of each other`, {
        detail: { what: "number of layers", value: overlay.lowers.length },
        hint: "Build on an image with fewer layers, or with --snapshotter copy",
      });
    }
    mount("overlay", overlay.target, options);
  } finally {
    for (const fd of descriptors) libc.close(fd);
  }
}

function failure(libc: Libc, syscall: string, path: string): EngineError {
  return osError({ action: "mount", syscall, errno: readErrno(libc.errno()).name, path });
}
