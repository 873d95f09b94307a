import type { LayerEntry } from "../../core/contract/mod.ts";
import {
  type Archive,
  archivedEntryOf,
  type ArchiveNode,
  checkSignal,
  type CopyEnvironment,
  entryOf,
  linkOf,
} from "./node.ts";
import { comparePaths } from "./paths.ts";
import type { Target } from "./target.ts";

/** Names that a file of an archive has in the layer, in order. */
type Names = string[];

/**
 * Plans a layer when its first entry is asked for, and gives its entries: in the order of a walk, each path once, but
 * for files of archives, which follow in the order in which their archive holds them, since its bytes can only be had
 * that way. Throws `INVALID_ARGUMENT` when an archive changed since it was planned.
 */
export async function* emitEntries(
  plan: () => Promise<Target>,
  environment: CopyEnvironment,
): AsyncGenerator<LayerEntry> {
  checkSignal(environment);
  const target = await plan();
  const archives = new Map<Archive, Map<number, Names>>();
  const names = new Map<unknown, string>();
  for (const path of sortedPaths(target)) {
    checkSignal(environment);
    const node = target.nodes.get(path);
    if (node === undefined) continue;
    if (node.from === "archive") {
      remember(archives, node, path);
      continue;
    }
    const first = node.isShared ? names.get(node) : undefined;
    if (first !== undefined) {
      yield linkOf(path, first, node);
      continue;
    }
    if (node.isShared) names.set(node, path);
    yield entryOf(path, node);
    if (node.entry.type === "directory" && target.isOpaque(path)) yield { type: "opaque", path };
  }
  for (const [archive, wanted] of archives) yield* emitArchive(archive, wanted, { target, environment });
}

function remember(archives: Map<Archive, Map<number, Names>>, node: ArchiveNode, path: string): void {
  const wanted = archives.get(node.archive) ?? new Map<number, Names>();
  archives.set(node.archive, wanted);
  const names = wanted.get(node.ordinal);
  if (names === undefined) wanted.set(node.ordinal, [path]);
  else names.push(path);
}

async function* emitArchive(
  archive: Archive,
  wanted: ReadonlyMap<number, Names>,
  { target, environment }: { readonly target: Target; readonly environment: CopyEnvironment },
): AsyncGenerator<LayerEntry> {
  let ordinal = -1;
  let left = wanted.size;
  for await (const entry of archive.open()) {
    ordinal++;
    const names = wanted.get(ordinal);
    const [first, ...others] = names ?? [];
    const node = first === undefined ? undefined : target.nodes.get(first);
    if (first === undefined || node?.from !== "archive") continue;
    if (entry.type !== "file" || entry.path !== node.entry.path || entry.size !== node.entry.size) break;
    yield archivedEntryOf(first, node, entry.content);
    for (const name of others) yield linkOf(name, first, node);
    if (--left === 0) return;
  }
  if (left === 0) return;
  throw environment.kit.error("INVALID_ARGUMENT", `Cannot unpack "${archive.shown}": it changed while it was read`, {
    detail: { field: "archive", value: archive.shown },
    hint: "Build again once nothing writes to the file",
  });
}

function sortedPaths(target: Target): string[] {
  const paths = [...target.nodes.keys()];
  let last = "";
  // A single walk comes in order already.
  for (const path of paths) {
    if (comparePaths(last, path) > 0) return paths.sort(comparePaths);
    last = path;
  }
  return paths;
}
