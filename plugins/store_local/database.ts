import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Kit } from "../../core/contract/mod.ts";
import { databaseFailure, isLocked } from "./failure.ts";

/** Version of the tables; a store with a newer one is refused. */
export const SCHEMA_VERSION = 1;

/** Marks the file as a strata store (SQLite `application_id`, "stra" in ASCII). */
const APPLICATION_ID = 0x73747261;

/** How long a transaction waits for another process, in milliseconds. */
const BUSY_TIMEOUT_MS = 20_000;

/** Time between two attempts where SQLite itself does not wait, in milliseconds. */
const BUSY_PAUSE_MS = 5;

// `used` is a value of the counter, not a time: leases and collections each take the next value, so what was used since a lease
// began is known whatever the clock does.
const schema = `
  CREATE TABLE blobs (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, created_at INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE names (name TEXT PRIMARY KEY, descriptor TEXT NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL);
  INSERT INTO counter VALUES (1, 1);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** The store's database; every failure in it is an `OS_FAILED` that names the file. */
export interface Database {
  /** Runs synchronous work in one write transaction: all of it or nothing. `work` must not wait for anything. */
  transact<T>(work: () => T): T;
  /** Like `transact`, and on disk when it returns, with every transaction before it. */
  transactDurably<T>(work: () => T): T;
  /** First row of a query, or undefined. */
  row(sql: string, ...values: (string | number)[]): Readonly<Record<string, unknown>> | undefined;
  /** All rows of a query, each the values of its columns in order; of thousands, five times as fast as objects. */
  rows(sql: string, ...values: (string | number)[]): readonly (readonly unknown[])[];
  /** Runs a statement; gives how many rows it changed. */
  run(sql: string, ...values: (string | number)[]): number;
  /** Takes the next value of the counter; inside a transaction only. */
  nextCount(): number;
  /** The counter's value. */
  count(): number;
  /** A text that is another one after each change, by this connection or another. */
  revision(): string;
  /** Closes the file; a no-op the second time. */
  close(): void;
}

/**
 * Opens the database at a path, making its tables when the file is new; `prepare` runs before a new one is made. Throws
 * `UNSUPPORTED` for a store made by a newer strata, `OS_FAILED` for a damaged one.
 */
export function openDatabase(path: string, kit: Kit, prepare: () => void): Database {
  const connection = connect(path, kit, prepare);
  try {
    connection.exec("PRAGMA synchronous = NORMAL");
    const version = readNumber(connection, "user_version");
    if (version !== 0) {
      checkVersion(version, readNumber(connection, "application_id"), { path, kit });
    } else {
      prepare();
      createTables(connection);
    }
  } catch (error) {
    connection.close();
    throw databaseFailure(kit, error, path);
  }
  return wrap(connection, path, kit);
}

function connect(path: string, kit: Kit, prepare: () => void): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  } catch {
    // Most likely the directory is not there yet; what else is wrong shows again below.
    prepare();
  }
  try {
    return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw databaseFailure(kit, error, path);
  }
}

function readNumber(connection: DatabaseSync, pragma: "user_version" | "application_id"): number {
  return Number(connection.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);
}

function checkVersion(
  version: number,
  application: number,
  { path, kit }: { readonly path: string; readonly kit: Kit },
): void {
  if (version === SCHEMA_VERSION && application === APPLICATION_ID) return;
  const isOurs = application === APPLICATION_ID;
  const state = isOurs ? `it has version ${version}, expected ${SCHEMA_VERSION}` : "it belongs to another program";
  throw kit.error("UNSUPPORTED", `Cannot use store database "${path}": ${state}`, {
    detail: { what: "store version", known: [SCHEMA_VERSION], path },
    hint: isOurs
      ? "Use the newer strata that made this store, or choose another store with --root"
      : "Choose another directory with --root",
  });
}

function createTables(connection: DatabaseSync): void {
  switchToWal(connection);
  connection.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have made them while this one waited.
    if (readNumber(connection, "user_version") === 0) connection.exec(schema);
    connection.exec("COMMIT");
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

/**
 * SQLite gives up at once, whatever the time it is told to wait, when two processes want this of a new file; so it is
 * asked again (sqlite.org/c3ref/busy_handler.html: waiting could be a deadlock).
 */
function switchToWal(connection: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + BUSY_TIMEOUT_MS;
  while (true) {
    try {
      return connection.exec("PRAGMA journal_mode = WAL");
    } catch (error) {
      if (!isLocked(error) || performance.now() > end) throw error;
    }
    Atomics.wait(pause, 0, 0, BUSY_PAUSE_MS);
  }
}

/** Prepares each statement once, in the way given. */
function keepStatements(prepare: (sql: string) => StatementSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const made = prepare(sql);
    statements.set(sql, made);
    return made;
  };
}

/** A statement whose rows are arrays, which `node:sqlite` has and the types that come with Deno do not. */
function prepareArrays(connection: DatabaseSync, sql: string): StatementSync {
  const statement = connection.prepare(sql) as StatementSync & { setReturnArrays(isOn: boolean): void };
  statement.setReturnArrays(true);
  return statement;
}

function wrap(connection: DatabaseSync, path: string, kit: Kit): Database {
  const prepared = keepStatements((sql) => connection.prepare(sql));
  const listing = keepStatements((sql) => prepareArrays(connection, sql));
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw databaseFailure(kit, error, path);
    }
  };
  const transact = <T>(work: () => T): T => {
    guarded(() => connection.exec("BEGIN IMMEDIATE"));
    try {
      const result = work();
      guarded(() => connection.exec("COMMIT"));
      return result;
    } catch (error) {
      if (connection.isTransaction) connection.exec("ROLLBACK");
      throw error;
    }
  };
  const count = (): number => guarded(() => Number(prepared("SELECT value FROM counter").get()?.value));
  return {
    transact,
    transactDurably<T>(work: () => T): T {
      // SQLite takes this setting only outside a transaction.
      guarded(() => connection.exec("PRAGMA synchronous = FULL"));
      try {
        return transact(work);
      } finally {
        connection.exec("PRAGMA synchronous = NORMAL");
      }
    },
    row: (sql, ...values) => guarded(() => prepared(sql).get(...values)),
    rows(sql, ...values): readonly (readonly unknown[])[] {
      const rows: readonly unknown[] = guarded(() => listing(sql).all(...values));
      return rows as readonly (readonly unknown[])[];
    },
    run: (sql, ...values) => guarded(() => Number(prepared(sql).run(...values).changes)),
    nextCount(): number {
      guarded(() => prepared("UPDATE counter SET value = value + 1").run());
      return count();
    },
    count,
    revision: () =>
      guarded(() => {
        // The first tells of other connections alone (sqlite.org/pragma.html, data_version), the second of this one.
        const others = prepared("PRAGMA data_version").get()?.data_version;
        return `${others}.${prepared("SELECT total_changes() AS own").get()?.own}`;
      }),
    close(): void {
      if (connection.isOpen) connection.close();
    },
  };
}
