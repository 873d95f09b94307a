import { attempt } from "./mount_place.ts";

/** Takes the lock of all snapshots for the use of some, waiting while they are swept. Rejects `OS_FAILED`. */
export async function lockShared(path: string): Promise<Disposable> {
  while (true) {
    const file = openLock(path);
    await file.lock(false);
    // Who sweeps may have taken the file away, together with the snapshots; the lock would then be on nothing.
    if (isSame(file, path)) return closing(file);
    file.close();
  }
}

/** Takes the lock of all snapshots for sweeping; undefined when some are in use. Throws `OS_FAILED`. */
export function lockAlone(path: string): Disposable | undefined {
  const file = openLock(path);
  if (attempt("lock", path, () => file.tryLockSync(true))) return closing(file);
  file.close();
  return undefined;
}

/** Gives a lock back, once. */
function closing(file: Deno.FsFile): Disposable {
  const stack = new DisposableStack();
  stack.use(file);
  return stack;
}

function openLock(path: string): Deno.FsFile {
  return attempt("lock", path, () => Deno.openSync(path, { write: true, create: true, mode: 0o600 }));
}

function isSame(file: Deno.FsFile, path: string): boolean {
  try {
    return file.statSync().ino === Deno.statSync(path).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
