import type { Digest, EntryMeta, Json, LayerEntry } from "../../core/contract/mod.ts";
import type { CopyArgs } from "./args.ts";
import type { CopyEnvironment } from "./node.ts";
import { matchParents } from "./parents.ts";
import { joinPath, parentOf, treePath } from "./paths.ts";
import { type FoundSource, type ParentsSource, selectSources } from "./select.ts";

/**
 * Digest of what a copy reads from its inputs: content and metadata of each source without times, and the names that
 * wildcards found. The arguments and the filesystem below, where names of owners are looked up, are part of the step's
 * key anyway. Throws what selecting throws.
 */
export async function copyContentKey(args: CopyArgs, environment: CopyEnvironment): Promise<Digest> {
  const { kit } = environment;
  const parts: Json[] = [];
  for (const source of await selectSources(args, environment)) {
    if (source.type === "found") parts.push(await digestFound(source, args, environment));
    else if (source.type === "parents") parts.push(await digestParents(source, args, environment));
    else parts.push(source.name);
  }
  return await kit.sha256(kit.canonicalJson(parts));
}

async function digestFound(source: FoundSource, args: CopyArgs, { context }: CopyEnvironment): Promise<Json> {
  const isFolder = source.entry.type === "directory";
  const selection = isFolder ? { exclude: args.exclude } : {};
  return [source.name, await source.tree.digest(treePath(source.path), selection, context)];
}

/**
 * With patterns that leave something out each entry counts for itself; without, one digest covers all below a match.
 */
async function digestParents(source: ParentsSource, args: CopyArgs, environment: CopyEnvironment): Promise<Json> {
  const { context } = environment;
  const { tree, pivot } = source;
  const parts: Json[] = [];
  const known = new Set<string>([""]);
  for await (const { relative, entry, isTop } of matchParents(source, args.exclude, environment)) {
    if (!isTop && args.exclude.length === 0) continue;
    const leading: string[] = [];
    for (let folder = parentOf(relative); !known.has(folder); folder = parentOf(folder)) {
      leading.push(folder);
      known.add(folder);
    }
    for (const folder of leading.reverse()) {
      parts.push([folder, metaOf(await tree.lstat(joinPath(pivot, folder), context))]);
    }
    const isWhole = entry.type !== "directory" || args.exclude.length === 0;
    parts.push([relative, isWhole ? await tree.digest(entry.path, {}, context) : metaOf(entry)]);
    if (!isWhole) known.add(relative);
  }
  return parts;
}

function metaOf(entry: LayerEntry | undefined): Json {
  if (entry === undefined || entry.type === "whiteout" || entry.type === "opaque") return null;
  const { mode, uid, gid, xattrs }: EntryMeta = entry;
  const attributes = Object.entries(xattrs ?? {}).map(([name, value]) => [name, value.toHex()]);
  return { mode, uid, gid, xattrs: Object.fromEntries(attributes) };
}
