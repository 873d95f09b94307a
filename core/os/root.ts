import type { FileStat } from "./file_stat.ts";
import type { Scan, Xattrs } from "./scan.ts";

/**
 * A directory of this host and what is below it, for reading. Paths are relative to it, slash-separated and clean (no
 * empty, `.` or `..` parts; `.` is the root itself). No symlink is ever followed, be it the last part of a path or one
 * before, so nothing that is planted below the root leads outside of it; a path through a symlink rejects with errno
 * `ELOOP` or `ENOTDIR`. All calls block, as each takes microseconds. Failures are `OS_FAILED` with `detail` `{syscall,
 * errno, path}`.
 */
export interface Root extends Disposable {
  /** Absolute path of the directory, symlinks resolved. */
  readonly path: string;
  /** State of a file; undefined when it, or a directory on the way to it, is absent. */
  lstat(path: string): FileStat | undefined;
  /**
   * As `lstat`, by way of the directory the path is in, which must be there and stays open until another one is asked for: faster for
   * many files of a directory that nobody replaces.
   */
  lstatNear(path: string): FileStat | undefined;
  /** Names and states of a directory's children. A name that is not UTF-8 throws `UNSUPPORTED`. */
  scan(path: string): Scan;
  /** Target of a symlink. */
  readLink(path: string): string;
  /** Opens a regular file or directory for reading. */
  open(path: string): OpenFile;
}

/** An open file or directory. */
export interface OpenFile extends Disposable {
  /** Its state now. */
  stat(): FileStat;
  /** Reads at the current position; returns the number of bytes, 0 at the end. */
  read(into: Uint8Array<ArrayBuffer>): number;
  /** Moves the position to a byte offset from the start. */
  seek(offset: number): void;
  /**
   * Its extended attributes that belong into an image: `security.capability` and `user.*`; undefined when it has none.
   */
  xattrs(): Xattrs | undefined;
}

/** Metadata that is set on a file that was written. */
export interface FileAttributes {
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Owner to set; undefined leaves it as it is. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Seconds since the Unix epoch; may be fractional. */
  readonly mtime: number;
  /** Extended attributes to set. */
  readonly xattrs?: Xattrs | undefined;
}

/** A node that is neither file, directory nor link. */
export interface SpecialNode {
  /** Its kind. */
  readonly type: "fifo" | "char" | "block";
  /** Device number; 0 for a fifo. */
  readonly major: number;
  /** Device number; 0 for a fifo. */
  readonly minor: number;
}

/**
 * A directory of this host and what is below it, for writing; paths as for {@linkcode Root}. Nothing is written through
 * a symlink, and nothing that exists is opened for writing: a name in use throws errno `EEXIST`.
 */
export interface RootWriter extends Disposable {
  /** Absolute path of the directory, symlinks resolved. */
  readonly path: string;
  /** State of a file; undefined when absent. */
  lstat(path: string): FileStat | undefined;
  /** Makes a directory with mode 0700. */
  makeDirectory(path: string): void;
  /** Makes an empty file with mode 0600. */
  createFile(path: string): WritableFile;
  /** Makes a symlink; its target is not looked at. */
  symlink(target: string, path: string): void;
  /** Makes a second name of a file. */
  link(existing: string, path: string): void;
  /** Makes a fifo or a device. Rejects errno `EPERM` without the privilege. */
  makeNode(path: string, node: SpecialNode): void;
  /**
   * Sets owner, mode, extended attributes and time, in this order. Returns names of extended attributes that the file
   * system refused.
   */
  setAttributes(path: string, attributes: FileAttributes): readonly string[];
  /** Removes a file or symlink, not a directory. */
  unlink(path: string): void;
}

/**
 * A directory that becomes a snapshot, for writing all that a layer can hold. The directory that was written to last stays open: while
 * there is a writer, nobody else may move directories or put others in their place.
 */
export interface SnapshotWriter extends RootWriter {
  /** Makes a file with its content and attributes; gives what {@linkcode RootWriter.setAttributes} does. */
  writeFile(path: string, content: Uint8Array<ArrayBuffer>, attributes: FileAttributes): readonly string[];
  /** Makes a symlink with its attributes; its target is not looked at. */
  writeSymlink(path: string, target: string, attributes: FileAttributes): void;
  /** Sets the attributes of a directory; gives what {@linkcode RootWriter.setAttributes} does. */
  setDirectory(path: string, attributes: FileAttributes): readonly string[];
  /** Sets only the time of a file, directory or symlink. */
  setTime(path: string, time: Pick<FileStat, "mtimeSeconds" | "mtimeNanos">): void;
  /** Removes whatever is there with everything below it, following nothing; does nothing when it is absent. */
  removeAll(path: string): void;
  /** Value of an extended attribute of a file or directory; undefined when it has none of this name. */
  xattr(path: string, name: string): Uint8Array | undefined;
  /** Sets an extended attribute of a file or directory. */
  setXattr(path: string, name: string, value: string): void;
  /** Takes an extended attribute away, if it is there. */
  removeXattr(path: string, name: string): void;
}

/** An open file being written. */
export interface WritableFile extends Disposable {
  /** Writes all the bytes at the current position. */
  write(bytes: Uint8Array<ArrayBuffer>): void;
  /** Sets attributes as {@linkcode RootWriter.setAttributes} does; after the last write, which would change the time. */
  setAttributes(attributes: FileAttributes): readonly string[];
  /** Skips bytes, leaving a hole; call `end` when nothing is written after it. */
  skip(bytes: number): void;
  /** Sets the length to what was written and skipped. */
  end(): void;
}

/**
 * Whether an extended attribute belongs into an image (behaves as BuildKit: `security.capability` and `user.*`, but not what the overlay
 * file system keeps for itself).
 */
export function isImageXattr(name: string): boolean {
  return name === "security.capability" || (name.startsWith("user.") && !name.startsWith("user.overlay."));
}
