import { DatabaseSync } from "node:sqlite";
import type { Digest } from "../oci/descriptor.ts";
import { isDigest } from "../oci/digest.ts";
import type { Xattrs } from "../os/file_system.ts";

/** What is remembered of one file. */
export interface KnownFile {
  /** Its state when it was read, as text: size, times and inode. */
  readonly state: string;
  /** Digest of its bytes. */
  readonly digest: Digest;
  /** Its extended attributes; undefined when it had none. */
  readonly xattrs: Xattrs | undefined;
}

/** What is remembered of the files of one directory, by name. */
export type KnownFiles = ReadonlyMap<string, KnownFile>;

/** What is remembered of one selection of files. */
export interface KnownSelection {
  /** Fingerprint of the selection, in hex. */
  readonly fingerprint: string;
  /** Digest of its tree. */
  readonly digest: Digest;
}

/**
 * Digests of files that were read before. All of it can be had again by reading the files, so nothing here ever fails:
 * what cannot be read or written is as if it were not known, and a damaged file is begun anew. Several processes may
 * use it at once.
 */
export interface DigestDatabase extends Disposable {
  /** What is known of a selection below a directory, by the directory's absolute path. */
  selection(key: string, directory: string): KnownSelection | undefined;
  /** Remembers a selection. */
  rememberSelection(key: string, known: KnownSelection): void;
  /** What is known of the files of a directory, by its absolute path. */
  directory(path: string): KnownFiles;
  /** Remembers files of directories, by their absolute paths, as one change. */
  remember(directories: ReadonlyMap<string, KnownFiles>): void;
}

/** Days after which what was not used is forgotten. */
const KEPT_DAYS = 30;
/** Size at which the file is begun anew: far more than the contexts of one machine need, about two million files. */
const MAX_BYTES = 256 * 1024 * 1024;
const DAY_MS = 86_400_000;
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS selection (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, digest TEXT NOT NULL, used INTEGER NOT NULL)
    WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS directory (path TEXT PRIMARY KEY, files TEXT NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
`;

/** The database file at a path, whose directory exists; opened or created when it is first asked. `clock` tells what was not used for long. */
export function openDigestDatabase(path: string, clock: () => Date): DigestDatabase {
  return new SqliteDigestDatabase(path, clock);
}

class SqliteDigestDatabase implements DigestDatabase {
  readonly #path: string;
  readonly #clock: () => Date;
  #database: DatabaseSync | undefined;
  /** Opened by the first query: a build that copies nothing does without. */
  #isOpened = false;

  constructor(path: string, clock: () => Date) {
    this.#path = path;
    this.#clock = clock;
  }

  selection(key: string, directory: string): KnownSelection | undefined {
    return this.#attempt((database) => {
      const row = database.prepare("SELECT fingerprint, digest, used FROM selection WHERE key = ?").get(key);
      const { fingerprint, digest } = row ?? {};
      if (typeof fingerprint !== "string" || typeof digest !== "string" || !isDigest(digest)) return undefined;
      // Once a day is enough to tell what is in use, and a build that changes nothing then writes nothing.
      if (row?.used !== this.#today()) this.#touch(database, key, directory);
      return { fingerprint, digest };
    });
  }

  rememberSelection(key: string, { fingerprint, digest }: KnownSelection): void {
    this.#attempt((database) => {
      const sql = "INSERT OR REPLACE INTO selection (key, fingerprint, digest, used) VALUES (?, ?, ?, ?)";
      database.prepare(sql).run(key, fingerprint, digest, this.#today());
    });
  }

  directory(path: string): KnownFiles {
    const text = this.#attempt((database) => {
      return database.prepare("SELECT files FROM directory WHERE path = ?").get(path)?.files;
    });
    return typeof text === "string" ? decodeFiles(text) : new Map();
  }

  remember(directories: ReadonlyMap<string, KnownFiles>): void {
    if (directories.size === 0) return;
    this.#attempt((database) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const today = this.#today();
        const insert = database.prepare("INSERT OR REPLACE INTO directory (path, files, used) VALUES (?, ?, ?)");
        for (const [path, files] of directories) insert.run(path, encodeFiles(files), today);
        database.prepare("DELETE FROM directory WHERE used < ?").run(today - KEPT_DAYS);
        database.prepare("DELETE FROM selection WHERE used < ?").run(today - KEPT_DAYS);
        database.exec("COMMIT");
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  [Symbol.dispose](): void {
    if (this.#isOpened) this.#attempt((database) => database.close());
    this.#isOpened = true;
    this.#database = undefined;
  }

  #touch(database: DatabaseSync, key: string, directory: string): void {
    database.prepare("UPDATE selection SET used = ? WHERE key = ?").run(this.#today(), key);
    // What is below a directory: "0" is the character after "/".
    const sql = "UPDATE directory SET used = ? WHERE path = ? OR (path > ? AND path < ?)";
    database.prepare(sql).run(this.#today(), directory, `${directory}/`, `${directory}0`);
  }

  #today(): number {
    return Math.floor(this.#clock().getTime() / DAY_MS);
  }

  /** Runs a query; on a damaged file begins anew, and on any other failure knows nothing. */
  #attempt<T>(run: (database: DatabaseSync) => T): T | undefined {
    if (!this.#isOpened) {
      this.#isOpened = true;
      const opened = open(this.#path);
      this.#database = opened === "damaged" ? this.#beginAnew() : opened;
    }
    if (this.#database === undefined) return undefined;
    try {
      return run(this.#database);
    } catch (error) {
      if (isDamage(error)) this.#database = this.#beginAnew();
      return undefined;
    }
  }

  #beginAnew(): DatabaseSync | undefined {
    try {
      if (this.#database?.isOpen) this.#database.close();
    } catch {
      // It is removed in any case.
    }
    for (const suffix of ["", "-wal", "-shm"]) remove(this.#path + suffix);
    const opened = open(this.#path);
    return opened === "damaged" ? undefined : opened;
  }
}

/**
 * An open database; `damaged` when the file is to be begun anew, undefined when it cannot be used for another reason,
 * e.g. is locked.
 */
function open(path: string): DatabaseSync | "damaged" | undefined {
  if ((statSize(path) ?? 0) > MAX_BYTES) return "damaged";
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 2000 });
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database?.close();
    return isDamage(error) ? "damaged" : undefined;
  }
}

function statSize(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch {
    return undefined;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Absent, or not to be removed: then it is not opened either.
  }
}

/**
 * Whether an error says that the file is no sound database, or one of another shape. By its text: `exec` gives no
 * result code (Deno 2.9).
 */
function isDamage(error: unknown): boolean {
  return error instanceof Error && /not a database|malformed|no such (table|column)|has no column/.test(error.message);
}

function encodeFiles(files: KnownFiles): string {
  return JSON.stringify(Array.from(files, ([name, { state, digest, xattrs }]) => {
    const base = [name, state, digest];
    return xattrs === undefined
      ? base
      : [...base, Object.entries(xattrs).map(([key, value]) => [key, value.toBase64()])];
  }));
}

function decodeFiles(text: string): Map<string, KnownFile> {
  const files = new Map<string, KnownFile>();
  try {
    const rows: unknown = JSON.parse(text);
    for (const row of Array.isArray(rows) ? rows : []) {
      const [name, state, digest, xattrs]: unknown[] = Array.isArray(row) ? row : [];
      if (typeof name !== "string" || typeof state !== "string" || typeof digest !== "string" || !isDigest(digest)) {
        continue;
      }
      files.set(name, { state, digest, xattrs: decodeXattrs(xattrs) });
    }
  } catch {
    // Not what was written: what is not understood is not known.
    files.clear();
  }
  return files;
}

function decodeXattrs(value: unknown): Xattrs | undefined {
  if (!Array.isArray(value)) return undefined;
  const pairs: [string, string][] = value;
  return Object.fromEntries(pairs.map(([key, text]) => [key, Uint8Array.fromBase64(text)]));
}
