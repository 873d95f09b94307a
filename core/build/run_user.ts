import { EngineError } from "../errors.ts";
import type { Root } from "../os/file_system.ts";
import { resolvePath } from "../os/resolve_path.ts";

/** Who a command runs as. */
export interface RunUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, `gid` first: a process without it there could lose what the group is denied (CVE-2022-36109). */
  readonly groups: readonly number[];
  /** Home directory; `/` when the files do not tell. */
  readonly home: string;
}

const maxFileBytes = 10 << 20;
const maxId = 0xffff_fffe;

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * The user that `user[:group]` stands for in the files of a root; empty for root. A number is always a user number, also when a user
 * has it as a name; without a group its group is that of `/etc/passwd`, else 0, and the other groups are those of `/etc/group`
 * that have the user as a member (BuildKit, executor/oci/user.go). Rejects `NOT_FOUND` for a name that is not there.
 */
export function findUser(root: Root, text: string): RunUser {
  const [user = "", group] = (text === "" ? "0" : text).split(":", 2);
  const accounts = readTable(root, "etc/passwd").flatMap(readAccount);
  const uid = readId(user);
  const account = accounts.find((each) => uid === undefined ? each.name === user : each.uid === uid);
  if (uid === undefined && account === undefined) throw unknown("user", user, "/etc/passwd");
  const home = account?.home || "/";
  if (group !== undefined && group !== "") {
    const gid = findGroup(root, group);
    return { uid: uid ?? account?.uid ?? 0, gid, groups: [gid], home };
  }
  const name = account?.name;
  const groups = name === undefined
    ? []
    : readTable(root, "etc/group").flatMap(readGroup).filter(({ members }) => members.includes(name));
  const gid = account?.gid ?? 0;
  const others = [...new Set(groups.map((each) => each.gid))].filter((each) => each !== gid).sort((a, b) => a - b);
  return { uid: uid ?? account?.uid ?? 0, gid, groups: [gid, ...others], home };
}

function findGroup(root: Root, group: string): number {
  const gid = readId(group);
  if (gid !== undefined) return gid;
  const found = readTable(root, "etc/group").flatMap(readGroup).find(({ name }) => name === group);
  if (found === undefined) throw unknown("group", group, "/etc/group");
  return found.gid;
}

function readAccount([name = "", , uid = "", gid = "", , home = ""]: readonly string[]): Account[] {
  const [user, group] = [readId(uid), readId(gid)];
  return name === "" || user === undefined || group === undefined ? [] : [{ name, uid: user, gid: group, home }];
}

function readGroup([name = "", , gid = "", members = ""]: readonly string[]): Group[] {
  const group = readId(gid);
  return name === "" || group === undefined ? [] : [{ name, gid: group, members: members.split(",") }];
}

function readId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maxId ? id : undefined;
}

function readTable(root: Root, path: string): readonly (readonly string[])[] {
  const resolved = resolvePath(root, path, true);
  const stat = root.lstat(resolved);
  if (stat?.type !== "file") return [];
  if (stat.size > maxFileBytes) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot read "/${path}": it has ${stat.size} bytes`, {
      detail: { field: "user", value: `/${path}` },
    });
  }
  using file = root.open(resolved);
  const bytes = new Uint8Array(stat.size);
  let length = 0;
  while (length < bytes.length) {
    const read = file.read(bytes.subarray(length));
    if (read === 0) break;
    length += read;
  }
  return new TextDecoder().decode(bytes.subarray(0, length)).split("\n").map((line) => line.trim().split(":"));
}

function unknown(kind: "user" | "group", name: string, file: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot run as ${kind} "${name}": not in ${file} of the image being built`, {
    detail: { kind, name },
    hint: `Add the ${kind} in an earlier step, or give its number`,
  });
}
