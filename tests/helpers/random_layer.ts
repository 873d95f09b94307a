import type { LayerEntry } from "../../core/contract/layer.ts";

/** Gives a whole number from 0 up to a limit, which it does not reach. */
export type Random = (limit: number) => number;

/** Numbers that only depend on the seed. */
export function randomFrom(seed: number): Random {
  let state = Math.imul(seed, 2654435761) | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** One of several. */
export function pick<T>(random: Random, from: readonly [T, ...T[]]): T {
  return from[random(from.length)] ?? from[0];
}

const names = ["a", "b", "c", "d"] as const;
const linkName = "l";

/** A path of few that there are, so that entries meet. */
export function randomPath(random: Random): string {
  return Array.from({ length: 1 + random(3) }, () => pick(random, names)).join("/");
}

/** A path that leads through a symlink, if there is one; what it leads to is met by no other path, so that order does not matter. */
function throughLink(random: Random): string {
  return [...Array.from({ length: random(2) }, () => pick(random, names)), linkName, pick(random, ["e", "f"])].join(
    "/",
  );
}

/**
 * Entries of a layer: files of all kinds, some in directories that the layer does not have, and anywhere among them marks of what is
 * hidden. Each path comes once and parents before what is in them; nothing is in a file of the layer, nor hidden in one; and where
 * something is hidden, no path leads through a symlink, so that it does not matter when it is.
 */
export function randomEntries(random: Random): readonly LayerEntry[] {
  const marks = new Set(Array.from({ length: Math.max(0, random(6) - 2) }, () => randomPath(random)));
  const files = new Map<string, LayerEntry>();
  for (let left = 1 + random(10); left > 0; left--) {
    const path = marks.size === 0 && random(5) === 0 ? throughLink(random) : randomPath(random);
    if (files.has(path) || [...files.values()].some((entry) => isInFile(path, entry))) continue;
    const entry = randomEntry(random, path, [...files.values()]);
    if (!files.has(entry.path) && ![...files.keys()].some((other) => isInFile(other, entry))) {
      files.set(entry.path, entry);
    }
  }
  const entries = [...files.values()].filter((entry) => entry.type !== "hardlink" || isLinkable(entry, files))
    .sort((a, b) => depth(a.path) - depth(b.path));
  for (const path of marks) {
    if (entries.some((entry) => isInFile(path, entry))) continue;
    const at = entries.every((entry) => !isImplied(path, entry, files)) ? random(entries.length + 1) : 0;
    entries.splice(at, 0, { type: pick(random, ["whiteout", "opaque"]), path });
  }
  return entries;
}

/** Whether a hard link can lead to its target: to a file that comes before it, or to what the layers below have. */
function isLinkable(
  { path, target }: LayerEntry & { readonly type: "hardlink" },
  files: ReadonlyMap<string, LayerEntry>,
): boolean {
  const own = files.get(target);
  if (own !== undefined) return own.type === "file" && depth(target) < depth(path);
  return ![...files.values()].some((entry) => isInFile(target, entry));
}

/** Whether an entry is below a folder, and the layer lacks it or a directory in it. */
function isImplied(folder: string, { path }: LayerEntry, files: ReadonlyMap<string, LayerEntry>): boolean {
  if (!path.startsWith(`${folder}/`)) return false;
  const parts = path.split("/");
  return parts.slice(depth(folder) - 1, -1).some((_, i) => !files.has(parts.slice(0, depth(folder) + i).join("/")));
}

function depth(path: string): number {
  return path.split("/").length;
}

function isInFile(path: string, { type, path: file }: LayerEntry): boolean {
  return type !== "directory" && type !== "whiteout" && type !== "opaque" && path.startsWith(`${file}/`);
}

function randomEntry(random: Random, path: string, before: readonly LayerEntry[]): LayerEntry {
  const meta = {
    path,
    mode: pick(random, [0o644, 0o755, 0o600, 0o4755, 0o1777]),
    uid: random(3),
    gid: random(3),
    mtime: random(1000),
    ...(random(6) === 0 ? { xattrs: { "user.note": Uint8Array.of(random(256)) } } : {}),
  };
  switch (random(12)) {
    case 0:
      return {
        ...meta,
        path: path.replace(/[^/]+$/, linkName),
        type: "symlink",
        mode: 0o777,
        target: pick(random, ["a", "b/c", "../a", "/a/b", "nowhere", ".."]),
      };
    case 1:
      return { ...meta, type: "fifo" };
    case 2:
      return { ...meta, type: "char", major: 1, minor: 3 };
    case 3: {
      const files = before.filter((entry) => entry.type === "file" && depth(entry.path) < depth(path));
      const target = random(4) === 0 ? randomPath(random) : files[random(files.length)]?.path;
      if (target !== undefined && !`${path}/`.startsWith(`${target}/`)) return { ...meta, type: "hardlink", target };
      return { ...meta, type: "directory" };
    }
    case 4:
    case 5:
    case 6:
    case 7:
      return { ...meta, type: "directory" };
    default: {
      const content = new TextEncoder().encode("x".repeat(random(20)));
      return { ...meta, type: "file", size: content.length, content };
    }
  }
}
