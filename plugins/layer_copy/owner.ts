import type { Call, Kit, Tree } from "../../core/contract/mod.ts";

/** Who owns a file. */
export interface Owner {
  /** Numeric user. */
  readonly uid: number;
  /** Numeric group. */
  readonly gid: number;
}

/** Where names are looked up, and how. */
export interface OwnerLookup {
  /** Filesystem whose `/etc/passwd` and `/etc/group` count. */
  readonly tree: Tree;
  /** For errors. */
  readonly kit: Kit;
}

const maxFileBytes = 10 << 20;
const maxId = 0xffff_fffe;

/**
 * The owner that `user[:group]` names. A number stands for itself, and without a group for the group of the same
 * number; `root` is 0 everywhere; a name is looked up in the tree, and without a group brings its own. A name that the
 * tree does not know rejects `NOT_FOUND`, where BuildKit silently takes 0: files of the wrong owner are found too late.
 * Malformed text rejects `INVALID_ARGUMENT`.
 */
export async function resolveOwner(text: string, lookup: OwnerLookup, call: Call): Promise<Owner> {
  const { kit } = lookup;
  const colon = text.indexOf(":");
  const user = colon < 0 ? text : text.slice(0, colon);
  const group = colon < 0 ? undefined : text.slice(colon + 1);
  if (/[\s:\0]/.test(user + (group ?? ""))) {
    throw kit.error("INVALID_ARGUMENT", `Cannot use owner "${text.slice(0, 200)}": expected user or user:group`, {
      detail: { field: "chown", value: text.slice(0, 200) },
      hint: "Write the owner as a name or a number, such as --chown=1000:1000",
    });
  }
  // `:group` and `user:` leave one side out, which is 0 (BuildKit does the same).
  const owner = user === "" ? { uid: 0, gid: 0 } : await findUser(user, lookup, call);
  if (group === undefined) return owner;
  return { uid: owner.uid, gid: group === "" ? 0 : await findGroup(group, lookup, call) };
}

async function findUser(user: string, lookup: OwnerLookup, call: Call): Promise<Owner> {
  const id = parseId(user, lookup.kit);
  if (id !== undefined) return { uid: id, gid: id };
  for (const fields of await readTable("etc/passwd", lookup, call)) {
    if (fields[0] !== user) continue;
    const uid = Number(fields[2] || NaN);
    const gid = Number(fields[3] || NaN);
    if (isId(uid) && isId(gid)) return { uid, gid };
  }
  throw unknownName("user", user, lookup.kit);
}

async function findGroup(group: string, lookup: OwnerLookup, call: Call): Promise<number> {
  const id = parseId(group, lookup.kit);
  if (id !== undefined) return id;
  for (const fields of await readTable("etc/group", lookup, call)) {
    const gid = Number(fields[2] || NaN);
    if (fields[0] === group && isId(gid)) return gid;
  }
  throw unknownName("group", group, lookup.kit);
}

function parseId(text: string, kit: Kit): number | undefined {
  if (text === "root") return 0;
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (isId(id)) return id;
  throw kit.error("INVALID_ARGUMENT", `Cannot use owner "${text.slice(0, 200)}": expected a number up to ${maxId}`, {
    detail: { field: "chown", value: text.slice(0, 200) },
    hint: "Write a smaller number, or the name of a user",
  });
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= maxId;
}

async function readTable(path: string, { tree, kit }: OwnerLookup, call: Call): Promise<string[][]> {
  const entry = await tree.stat(path, call);
  if (entry?.type !== "file") return [];
  if (entry.size > maxFileBytes) {
    throw kit.error(
      "INVALID_ARGUMENT",
      `Cannot read "/${path}": ${entry.size} bytes, expected at most ${maxFileBytes}`,
      {
        detail: { field: "chown", value: `/${path}` },
      },
    );
  }
  const text = await new Response(await tree.read(path, call)).text();
  return text.split("\n").map((line) => line.split(":"));
}

function unknownName(kind: "user" | "group", name: string, kit: Kit): Error {
  const file = kind === "user" ? "/etc/passwd" : "/etc/group";
  return kit.error("NOT_FOUND", `Cannot find ${kind} "${name}": not in ${file} of the image being built`, {
    detail: { kind, name },
    hint: `Add the ${kind} in an earlier step, or give its number`,
  });
}
