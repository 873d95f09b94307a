import { type FileStat, linkKey, mtimeOf } from "../os/file_stat.ts";
import type { Root } from "../os/file_system.ts";
import { isSameFileContent } from "./file_facts.ts";
import { opaqueName } from "./marking.ts";
import type { Upper } from "./upper.ts";

/** The names that one file has in an upper directory. */
export interface LinkGroup {
  /** Paths, in the order of the walk. */
  readonly paths: string[];
  /** Whether the lower directories have the same file under all of these names. */
  isUnchanged: boolean;
}

/** Groups by the key of their file. */
export type LinkGroups = ReadonlyMap<string, LinkGroup>;

/**
 * Files of an upper directory that may have several names. Where a file of the lower directories was copied up under some of its names and
 * written to, its other names are linked to it here: the program that wrote to it saw them all change.
 */
export function findLinkGroups(upper: Upper): LinkGroups {
  const groups = new Map<string, LinkGroup & { readonly stat: FileStat }>();
  for (const { path, stat } of files(upper.upper, ".")) {
    if (stat.links < 2) continue;
    const group = groups.get(linkKey(stat)) ?? { paths: [], isUnchanged: false, stat };
    groups.set(linkKey(stat), group);
    group.paths.push(path);
  }
  const { lower } = upper;
  if (groups.size === 0 || lower === undefined) return groups;
  const wanted = new Map<string, LinkGroup>();
  for (const group of groups.values()) {
    const [path = ""] = group.paths;
    const below = lower.lstat(path);
    if (below?.type !== "file" || below.links < 2) continue;
    group.isUnchanged = group.paths.every((name) => isAsBelow(name, below, { ...upper, lower, stat: group.stat }));
    if (!group.isUnchanged) wanted.set(linkKey(below), group);
  }
  if (wanted.size > 0) {
    for (const { path, stat } of files(lower, ".")) {
      const group = wanted.get(linkKey(stat));
      if (group !== undefined && isVisible(path, upper)) linkTo(group, path, { ...upper, lower });
    }
  }
  return groups;
}

function isAsBelow(
  path: string,
  first: FileStat,
  { upper, lower, stat }: { readonly upper: Root; readonly lower: Root; readonly stat: FileStat },
): boolean {
  const below = lower.lstat(path);
  if (below === undefined || linkKey(below) !== linkKey(first)) return false;
  return isSameFileContent(lower, { path, stat, below, upper });
}

/** Whether the upper directory says nothing about a path, so that it shows what is below. */
function isVisible(path: string, { upper, writer, isUserNamespace }: Upper): boolean {
  const parts = path.split("/");
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join("/");
    const there = upper.lstat(part);
    if (there === undefined) return true;
    if (there.type !== "directory" || writer.xattr(part, opaqueName(isUserNamespace)) !== undefined) return false;
  }
  return false;
}

function linkTo(group: LinkGroup, path: string, { writer, lower }: Upper & { readonly lower: Root }): void {
  const [existing = ""] = group.paths;
  const parts = path.split("/").slice(0, -1);
  const folders = parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  for (const folder of folders) {
    const below = lower.lstat(folder);
    if (below === undefined || writer.lstat(folder) !== undefined) continue;
    using directory = lower.open(folder);
    writer.makeDirectory(folder);
    const { mode, uid, gid } = below;
    writer.setAttributes(folder, { mode, owner: { uid, gid }, mtime: mtimeOf(below), xattrs: directory.xattrs() });
  }
  const parent = folders.at(-1) ?? ".";
  const before = writer.lstat(parent);
  writer.link(existing, path);
  if (before !== undefined) writer.setTime(parent, before);
  group.paths.push(path);
}

/** All regular files below a directory. */
function* files(root: Root, path: string): Generator<{ readonly path: string; readonly stat: FileStat }> {
  const scan = root.scan(path);
  for (const [index, name] of scan.names.entries()) {
    const child = path === "." ? name : `${path}/${name}`;
    const type = scan.type(index);
    if (type === "directory") yield* files(root, child);
    else if (type === "file") yield { path: child, stat: scan.stat(index) };
  }
}
