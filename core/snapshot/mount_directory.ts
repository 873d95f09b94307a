import { EngineError } from "../errors.ts";
import { removeTree } from "./directory.ts";
import type { MountInfo, MountLease, MountRequest, StagedMount } from "./mount.ts";
import {
  attempt,
  formatMountMeta,
  isMountName,
  isTemporaryName,
  type MountMeta,
  parseMountMeta,
} from "./mount_place.ts";

/** The directory of cache mounts. Locks are taken, changed and removed only while the gate, a lock of its own, is held. */
export class MountDirectory {
  readonly #path: string;
  readonly #clock: () => Date;

  /** The directory at an absolute path, made when one is needed. */
  constructor(path: string, clock: () => Date) {
    this.#path = path;
    this.#clock = clock;
  }

  /** As `list` of {@linkcode MountStore}. */
  list(): MountInfo[] {
    if (!this.#exists()) return [];
    return this.#gate(() =>
      this.#names().filter(isMountName).sort().flatMap((name) => {
        const meta = this.#readMeta(name);
        return meta === undefined ? [] : [{ ...meta, name, directory: this.#at(name), isInUse: !this.#isFree(name) }];
      })
    );
  }

  /** The mount, or its first free copy for `private`; undefined while others have it. */
  take(first: string, request: MountRequest): MountLease | undefined {
    attempt("make directory", this.#path, () => Deno.mkdirSync(this.#path, { recursive: true, mode: 0o700 }));
    const garbage: Lock[] = [];
    try {
      return this.#gate(() => {
        for (let copy = 0;; copy++) {
          const name = copy === 0 ? first : `${first}-${copy}`;
          const lease = this.#open(name, request, garbage);
          if (lease !== undefined || request.sharing !== "private") return lease;
        }
      });
    } finally {
      for (const lock of garbage) this.#destroy(lock);
    }
  }

  /** As `hold` of {@linkcode MountStore}. */
  hold(name: string): MountLease | undefined {
    if (!this.#exists()) return undefined;
    return this.#gate(() => {
      if (this.#readMeta(name) === undefined) return undefined;
      const lock = this.#lock(name, true);
      return lock === undefined ? undefined : this.#lease(lock);
    });
  }

  /** As `remove` of {@linkcode MountStore}. */
  remove(name: string): boolean {
    if (!this.#exists()) return true;
    const trash = this.#gate(() => {
      if (this.#stat(name) === undefined) return "gone";
      const lock = this.#lock(name, true);
      if (lock === undefined) return undefined;
      using _ = lock;
      const moved = this.#moveAway(name);
      this.#unlink(`${name}.lock`);
      return moved;
    });
    if (trash === undefined) return false;
    if (trash !== "gone") this.#destroy(trash);
    return true;
  }

  /** As `stage` of {@linkcode MountStore}. */
  stage(name: string): StagedMount {
    attempt("make directory", this.#path, () => Deno.mkdirSync(this.#path, { recursive: true, mode: 0o700 }));
    const lock = this.#gate(() => this.#lockNew("new"));
    this.#makeDirectory(lock.name);
    return {
      name,
      path: `${this.#at(lock.name)}/data`,
      describe: (meta) => this.#writeMeta(lock.name, meta),
      [Symbol.dispose]: () => this.#destroy(lock),
    };
  }

  /** As `replace` of {@linkcode MountStore}. */
  replace(staged: readonly StagedMount[]): void {
    if (staged.length === 0) return;
    using held = new DisposableStack();
    const garbage: Lock[] = [];
    try {
      this.#gate(() => {
        for (const { name } of staged) {
          const lock = this.#lock(name, true);
          if (lock === undefined) throw inUse(this.#readMeta(name)?.id ?? name);
          held.use(lock);
        }
        for (const { name, path } of staged) {
          if (this.#stat(name) !== undefined) garbage.push(this.#moveAway(name));
          attempt("put cache mount", name, () => Deno.renameSync(path.replace(/\/data$/, ""), this.#at(name)));
        }
      });
    } finally {
      for (const lock of garbage) this.#destroy(lock);
    }
  }

  /** As `sweep` of {@linkcode MountStore}. */
  sweep(): void {
    if (!this.#exists()) return;
    const garbage = this.#gate(() =>
      this.#names().filter((name) => isTemporaryName(name.replace(/\.lock$/, "")))
        .flatMap((name) => this.#lock(name.replace(/\.lock$/, ""), true) ?? [])
    );
    for (const lock of garbage) this.#destroy(lock);
  }

  /** Takes one copy; undefined while others have it. What is in the way goes to `garbage`. */
  #open(name: string, { id, sharing }: MountRequest, garbage: Lock[]): MountLease | undefined {
    const isAlone = sharing !== "shared";
    const meta = this.#readMeta(name);
    // Alone also for a new shared one, as long as it is not filled.
    const lock = this.#lock(name, isAlone || meta === undefined);
    if (lock === undefined) return undefined;
    try {
      const now = this.#clock();
      if (meta !== undefined) {
        this.#writeMeta(name, { ...meta, lastUsedAt: now });
        return this.#lease(lock);
      }
      if (this.#stat(name) !== undefined) garbage.push(this.#moveAway(name));
      this.#makeDirectory(name);
      return this.#newLease(lock, { id, createdAt: now, lastUsedAt: now }, isAlone);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  #lease(lock: Lock): MountLease {
    return {
      path: `${this.#at(lock.name)}/data`,
      isNew: false,
      commitNew: () => {},
      [Symbol.dispose]: () => lock[Symbol.dispose](),
    };
  }

  #newLease(lock: Lock, meta: MountMeta, isAlone: boolean): MountLease {
    let isCommitted = false;
    return {
      path: `${this.#at(lock.name)}/data`,
      isNew: true,
      commitNew: () =>
        this.#gate(() => {
          if (isCommitted) return;
          this.#writeMeta(lock.name, meta);
          isCommitted = true;
          if (!isAlone) lock.share();
        }),
      [Symbol.dispose]: () => isCommitted ? lock[Symbol.dispose]() : this.#destroy(lock),
    };
  }

  #makeDirectory(name: string): void {
    attempt("make cache mount", name, () => {
      Deno.mkdirSync(this.#at(name), { mode: 0o700 });
      Deno.mkdirSync(`${this.#at(name)}/data`, { mode: 0o755 });
    });
  }

  #readMeta(name: string): MountMeta | undefined {
    const path = `${this.#at(name)}/meta.json`;
    return attempt("read", path, () => {
      try {
        return parseMountMeta(Deno.readTextFileSync(path));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    });
  }

  #writeMeta(name: string, meta: MountMeta): void {
    const path = `${this.#at(name)}/meta.json`;
    attempt("write", path, () => {
      Deno.writeTextFileSync(`${path}.tmp`, formatMountMeta(meta), { mode: 0o600 });
      Deno.renameSync(`${path}.tmp`, path);
    });
  }

  /** Gives a directory another name that nobody looks for, locked; the caller destroys it. */
  #moveAway(name: string): Lock {
    const lock = this.#lockNew("old");
    attempt("remove", name, () => Deno.renameSync(this.#at(name), this.#at(lock.name)));
    return lock;
  }

  /** Removes a directory that nobody else has, then its lock. */
  #destroy(lock: Lock): void {
    using _ = lock;
    removeTree(this.#at(lock.name));
    this.#gate(() => this.#unlink(`${lock.name}.lock`));
  }

  #lockNew(kind: "new" | "old"): Lock {
    const name = `${kind}-${crypto.randomUUID()}`;
    const lock = this.#lock(name, true);
    if (lock === undefined) throw new EngineError("INTERNAL", `Cannot lock "${name}": another one has it`);
    return lock;
  }

  /** Locks a name, alone or with others; undefined while others have it. */
  #lock(name: string, isAlone: boolean): Lock | undefined {
    const path = `${this.#at(name)}.lock`;
    return attempt("lock", path, () => {
      const file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
      if (file.tryLockSync(isAlone)) {
        return { name, share: () => file.lockSync(false), [Symbol.dispose]: () => file.close() };
      }
      file.close();
      return undefined;
    });
  }

  #isFree(name: string): boolean {
    if (this.#stat(`${name}.lock`) === undefined) return true;
    using lock = this.#lock(name, true);
    return lock !== undefined;
  }

  /** Runs what looks at locks or changes them, while nobody else does. It must be quick. */
  #gate<T>(run: () => T): T {
    const path = `${this.#path}/lock`;
    using file = attempt("lock", path, () => Deno.openSync(path, { write: true, create: true, mode: 0o600 }));
    attempt("lock", path, () => file.lockSync(true));
    return run();
  }

  #exists(): boolean {
    return this.#stat("") !== undefined;
  }

  #names(): string[] {
    return attempt("read directory", this.#path, () => Array.from(Deno.readDirSync(this.#path), ({ name }) => name));
  }

  #stat(name: string): Deno.FileInfo | undefined {
    return attempt("look at", this.#at(name), () => {
      try {
        return Deno.lstatSync(this.#at(name));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    });
  }

  #unlink(name: string): void {
    attempt("remove", this.#at(name), () => Deno.removeSync(this.#at(name)));
  }

  #at(name: string): string {
    return `${this.#path}/${name}`;
  }
}

/** A lock that is held; disposing lets go of it. */
interface Lock extends Disposable {
  readonly name: string;
  /** Lets others in who share it. */
  share(): void;
}

function inUse(id: string): EngineError {
  return new EngineError("CONFLICT", `Cannot replace cache mount "${id}": it is in use`, {
    detail: { kind: "cache mount", name: id },
    hint: "Wait for the build that uses it",
  });
}
