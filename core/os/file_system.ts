import { openLibc, openLibcWriter } from "./libc.ts";
import { createLibcRoot } from "./libc_root.ts";
import { createLibcWriter } from "./libc_writer.ts";
import { createPortableRoot } from "./portable_root.ts";
import { createPortableWriter } from "./portable_writer.ts";
import { EngineError } from "../errors.ts";
import type { Root, RootWriter, SnapshotWriter } from "./root.ts";

export type * from "./root.ts";
export { isImageXattr } from "./root.ts";
export type { FileStat, FileType } from "./file_stat.ts";
export type { Scan, Xattrs } from "./scan.ts";

/** Which implementation serves: `libc` when FFI is permitted, else `portable`. */
export type FileSystemKind = "libc" | "portable";

/**
 * Opens a directory for reading. Through libc where FFI is permitted on Linux; otherwise through Deno's own calls,
 * which know milliseconds, no extended attributes, and check for symlinks before each call rather than within it.
 */
export function openRoot(path: string, kind?: FileSystemKind): Root {
  const libc = kind === "portable" ? undefined : openLibc();
  return libc === undefined ? createPortableRoot(path) : createLibcRoot(path, libc);
}

/** Opens a directory for writing; as {@linkcode openRoot}. */
export function openRootWriter(path: string, kind?: FileSystemKind): RootWriter {
  const libc = kind === "portable" ? undefined : openLibc();
  const writer = libc === undefined ? undefined : openLibcWriter();
  if (libc === undefined || writer === undefined) return createPortableWriter(path);
  return createLibcWriter(path, libc, writer);
}

/** Opens a directory for writing a snapshot. Throws `UNSUPPORTED` where libc may not be called. */
export function openSnapshotWriter(path: string): SnapshotWriter {
  const libc = openLibc();
  const writer = openLibcWriter();
  if (libc !== undefined && writer !== undefined) return createLibcWriter(path, libc, writer);
  throw new EngineError("UNSUPPORTED", `Cannot write snapshot "${path}": this process may not call the C library`, {
    detail: { what: "snapshot", known: ["linux with FFI permitted"] },
    hint: "Run on Linux, and allow FFI",
  });
}
