import { type FileStat, linkKey, mtimeOf } from "../os/file_stat.ts";
import type { Root } from "../os/file_system.ts";
import { isSameFile } from "./file_facts.ts";
import { lstatSafely } from "./layer_places.ts";
import { isWhiteout, opaqueName } from "./marking.ts";
import { scanChanged } from "./scan_changed.ts";
import type { LinkGroup, LinkGroups, Upper } from "./upper.ts";

/** Files that may have several names in an upper directory; `merged` is the overlay, which is still mounted. */
export function findLinkGroups(upper: Root, merged: Root): LinkGroups {
  const groups = new Map<string, LinkGroup>();
  for (const { path, stat } of linkedFiles(upper, ".")) {
    const group = groups.get(linkKey(stat));
    if (group !== undefined) group.paths.push(path);
    else groups.set(linkKey(stat), { paths: [path], stat, shown: inodeOf(merged.lstat(path)), isUnchanged: false });
  }
  return groups;
}

/**
 * Finds the groups that are as the lower directories have them. Where a file of the lower directories was copied up under some of its
 * names and written to, its other names are linked to it here: the program that wrote to it saw them all change.
 */
export function completeLinkGroups({ links, ...upper }: Upper): void {
  const { lower } = upper;
  if (links.size === 0 || lower === undefined) return;
  const changed = new Map<string, LinkGroup>();
  for (const group of links.values()) {
    group.isUnchanged = isAsBelow(group, upper.upper, lower);
    if (!group.isUnchanged && mayHaveOthers(group, lower)) changed.set(group.shown, group);
  }
  if (changed.size === 0) return;
  for (const { path, stat } of linkedFiles(lower, ".")) {
    const group = changed.get(inodeOf(stat));
    if (group !== undefined && isVisible(path, upper)) linkTo(group, path, { ...upper, lower });
  }
}

/** Whether a changed file may have further names in the lower directories; these are searched whole for them. */
function mayHaveOthers({ paths, stat, shown }: LinkGroup, lower: Root): boolean {
  if (shown === inodeOf(stat)) return false;
  const below = paths.map((path) => lstatSafely(lower, path)).find((found) => inodeOf(found) === shown);
  return below === undefined || below.links > 1;
}

function isAsBelow({ paths, stat, shown }: LinkGroup, upper: Root, lower: Root): boolean {
  const [path = ""] = paths;
  const first = lstatSafely(lower, path);
  if (first === undefined) return false;
  // A new file under some of the names is no longer the one that has the others, equal as they may be.
  if (shown === inodeOf(stat) && first.links > paths.length) return false;
  return paths.every((name) => {
    const below = lstatSafely(lower, name);
    return below !== undefined && linkKey(below) === linkKey(first) &&
      isSameFile({ root: upper, path: name, stat }, { root: lower, path: name, stat: below });
  });
}

/** Whether the upper directory says nothing about a path, so that it shows what is below. */
function isVisible(path: string, { upper, writer, isUserNamespace }: Omit<Upper, "links">): boolean {
  const parts = path.split("/");
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join("/");
    const there = upper.lstat(part);
    if (there === undefined) return true;
    if (there.type !== "directory" || writer.xattr(part, opaqueName(isUserNamespace)) !== undefined) return false;
  }
  return false;
}

function linkTo(
  group: LinkGroup,
  path: string,
  { writer, lower }: { readonly writer: Upper["writer"]; readonly lower: Root },
): void {
  const [existing = ""] = group.paths;
  const parts = path.split("/").slice(0, -1);
  const folders = parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  for (const folder of folders) {
    const below = lower.lstat(folder);
    if (below === undefined || writer.lstat(folder) !== undefined) continue;
    using directory = lower.open(folder);
    const { mode, uid, gid } = below;
    makeInside(writer, folder, () => writer.makeDirectory(folder));
    writer.setDirectory(folder, { mode, owner: { uid, gid }, mtime: mtimeOf(below), xattrs: directory.xattrs() });
  }
  makeInside(writer, path, () => writer.link(existing, path));
  group.paths.push(path);
}

/** Makes something without a change to the time of the directory it is in. */
function makeInside(writer: Upper["writer"], path: string, make: () => void): void {
  const slash = path.lastIndexOf("/");
  const parent = slash < 0 ? "." : path.slice(0, slash);
  const before = writer.lstat(parent);
  make();
  if (before !== undefined) writer.setTime(parent, before);
}

/** All files below a directory that have several names; whiteouts share one file, and are none. */
export function* linkedFiles(root: Root, path: string): Generator<{ readonly path: string; readonly stat: FileStat }> {
  const scan = scanChanged(root, path);
  for (const [index, name] of scan.names.entries()) {
    const child = path === "." ? name : `${path}/${name}`;
    if (scan.type(index) === "directory") yield* linkedFiles(root, child);
    else if (scan.links(index) > 1) {
      const stat = scan.stat(index);
      if (!isWhiteout(stat)) yield { path: child, stat };
    }
  }
}

function inodeOf(stat: FileStat | undefined): string {
  return stat === undefined ? "" : `${stat.inodeHigh}:${stat.inodeLow}`;
}
