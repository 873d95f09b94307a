import { isMissing } from "./failure.ts";
import { type Layout, removeFile } from "./layout.ts";

/**
 * A file being written, locked (flock) as long as it is open: a collection removes those that nobody holds. Disposing it
 * removes it unless it was moved away or left for later.
 */
export interface TempFile extends Disposable {
  /** Where it is. */
  readonly path: string;
  /** The open file. */
  readonly file: Deno.FsFile;
  /** Makes disposing leave the file where it is. */
  keep(): void;
}

/** Creates an empty file that is this process's own. */
export function createTempFile(layout: Layout): TempFile {
  while (true) {
    const path = `${layout.temp}/${crypto.randomUUID()}`;
    const opened = lockFile(path, { createNew: true, read: true, write: true });
    if (opened !== undefined) return opened;
  }
}

/** Opens the file under a fixed name, with what an earlier write left in it; undefined while another process writes it. */
export function openTempFile(layout: Layout, name: string): TempFile | undefined {
  return lockFile(`${layout.temp}/${name}`, { create: true, read: true, write: true });
}

/** Undefined when another process has it, or when a collection removed it before it was locked. */
function lockFile(path: string, options: Deno.OpenOptions): TempFile | undefined {
  const file = Deno.openSync(path, options);
  try {
    if (!file.tryLockSync(true) || file.statSync().nlink === 0) {
      file.close();
      return undefined;
    }
  } catch (error) {
    file.close();
    throw error;
  }
  let isKept = false;
  return {
    path,
    file,
    keep(): void {
      isKept = true;
    },
    [Symbol.dispose](): void {
      // Removed before it is closed, while the lock keeps others from taking it.
      if (!isKept && isAt(path, file)) removeFile(path);
      file.close();
    },
  };
}

/** Whether the path still leads to the open file; once that was moved away, another process may have made a new one there. */
function isAt(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.lstatSync(path).ino === file.statSync().ino;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Removes the files that killed processes left. */
export function sweepTempFiles(layout: Layout): void {
  for (const entry of Deno.readDirSync(layout.temp)) sweepTempFile(`${layout.temp}/${entry.name}`);
}

/** Removes the files that killed processes left, but for those that have the name of what they are the start of. */
export function sweepNamelessTempFiles(layout: Layout): void {
  for (const { name } of Deno.readDirSync(layout.temp)) {
    if (uuid.test(name)) sweepTempFile(`${layout.temp}/${name}`);
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function sweepTempFile(path: string): void {
  try {
    using file = Deno.openSync(path, { write: true });
    if (file.tryLockSync(true)) removeFile(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
