import type { Descriptor, Kit, NameChange, Named } from "../../core/contract/mod.ts";
import type { Database } from "./database.ts";

/** Names that start with a prefix, in bytewise order, as they were at one moment. */
export function* listNames(
  database: Database,
  prefix: string,
  readDescriptor: DescriptorReader,
): Generator<Named, void, undefined> {
  const columns = "SELECT name, descriptor, updated_at FROM names";
  const end = prefixEnd(prefix);
  const rows = end === undefined
    ? database.rows(`${columns} WHERE name >= ? ORDER BY name`, prefix)
    : database.rows(`${columns} WHERE name >= ? AND name < ? ORDER BY name`, prefix, end);
  for (const [key, descriptor, updatedAt] of rows) {
    const name = String(key);
    yield { name, descriptor: readDescriptor(descriptor, name), updatedAt: new Date(Number(updatedAt)) };
  }
}

/** What a name points at; undefined when it is unknown. */
export function resolveName(
  database: Database,
  name: string,
  readDescriptor: DescriptorReader,
): Descriptor | undefined {
  const row = database.row("SELECT descriptor FROM names WHERE name = ?", name);
  return row === undefined ? undefined : readDescriptor(row.descriptor, name);
}

/** What names are changed with. */
export interface NameWriter {
  readonly database: Database;
  readonly kit: Kit;
  /** Time written beside each name, in milliseconds since the epoch. */
  readonly now: number;
}

/** Applies changes inside a transaction. Throws `NOT_FOUND` for a descriptor whose bytes are not in the store. */
export function changeNames(writer: NameWriter, changes: readonly NameChange[]): void {
  const { database, kit } = writer;
  for (const { name, descriptor } of changes) {
    if (descriptor === undefined) {
      database.run("DELETE FROM names WHERE name = ?", name);
      continue;
    }
    checkName(name, kit);
    const sql = "UPDATE blobs SET used = (SELECT value FROM counter) WHERE digest = ? AND size = ?";
    if (database.run(sql, descriptor.digest, descriptor.size) === 0) throw missingContent(name, descriptor, kit);
    database.run(
      "INSERT INTO names VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET descriptor = excluded.descriptor, updated_at = excluded.updated_at",
      name,
      JSON.stringify(descriptor),
      writer.now,
    );
  }
}

function missingContent(name: string, descriptor: Descriptor, kit: Kit): Error {
  return kit.error("NOT_FOUND", `Cannot name blob "${descriptor.digest}": it is not in the store`, {
    detail: { kind: "blob", name: descriptor.digest, target: name },
  });
}

function checkName(name: string, kit: Kit): void {
  if (name !== "" && name.length <= 4096 && !name.includes("\0")) return;
  const shown = JSON.stringify(name.slice(0, 160)).slice(1, -1);
  throw kit.error("INVALID_ARGUMENT", `Cannot use name "${shown}": expected 1 to 4096 characters without NUL`, {
    detail: { field: "name", value: shown },
  });
}

/** First text after all those that start with a prefix, in the order of code points; undefined when there is none. */
function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? 0;
    if (last === 0x10ffff) continue;
    // Surrogates are not code points of their own.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}

/** Gives the descriptor in the text that a name is kept with. Throws `OS_FAILED` for what is none. */
export type DescriptorReader = (text: unknown, name: string) => Descriptor;

/** Most texts that a reader remembers. */
const maxKnown = 4096;

/** A reader of descriptors. All names of an image hold the same text, which it reads once. */
export function createDescriptorReader(kit: Kit): DescriptorReader {
  const known = new Map<string, Descriptor>();
  return (text, name) => {
    const key = String(text);
    const before = known.get(key);
    if (before !== undefined) return before;
    const descriptor = readDescriptor(key, name, kit);
    if (known.size === maxKnown) known.clear();
    known.set(key, descriptor);
    return descriptor;
  };
}

function readDescriptor(text: string, name: string, kit: Kit): Descriptor {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && "mediaType" in value && "digest" in value && "size" in value) {
    return value as Descriptor;
  }
  throw kit.error("OS_FAILED", `Cannot read name "${name}": the store database holds no descriptor for it`, {
    detail: { name },
    hint: "Restore the store from a backup, or remove its directory to start with an empty one",
  });
}
