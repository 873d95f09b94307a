import type { Call } from "../contract/call.ts";
import type { LayerIndex } from "../layer/index.ts";
import { comparePaths } from "../layer/path_order.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Platform } from "../oci/descriptor.ts";
import { chooseContent } from "./choose_content.ts";
import { type FlatEntry, flattenLayers } from "./flat_tree.ts";
import { type ImageEngine, resolveAmong } from "./resolve_image.ts";
import { readImages } from "./stored_image.ts";
import { readIndexes } from "./tree.ts";

/**
 * What `image diff` compares.
 *
 * @example Two versions
 * ```ts
 * import type { DiffInput } from "@strata/strata";
 *
 * const input: DiffInput = { from: "app:1", to: "app:2" };
 * console.log(input);
 * ```
 */
export interface DiffInput {
  /** First image: name, ID, ID prefix, digest or alias. */
  readonly from: string;
  /** Second image. */
  readonly to: string;
  /** Platform to look at, for an index; the host's when left out. */
  readonly platform?: Platform;
}

/**
 * One path that differs.
 *
 * @example A file that has grown
 * ```ts
 * import type { DiffRow } from "@strata/strata";
 *
 * const row: DiffRow = { change: "modified", path: "/etc/motd", delta: 12 };
 * console.log(`${row.path} ${row.delta}`);
 * ```
 */
export interface DiffRow {
  /** What happened from the first to the second image. */
  readonly change: "added" | "modified" | "removed";
  /** Absolute path. */
  readonly path: string;
  /** Bytes gained, negative when lost. */
  readonly delta: number;
}

/**
 * How two images differ.
 *
 * @example Paths that are new
 * ```ts
 * import type { DiffResult } from "@strata/strata";
 *
 * function added({ rows }: DiffResult): string[] {
 *   return rows.filter(({ change }) => change === "added").map(({ path }) => path);
 * }
 * ```
 */
export interface DiffResult {
  /** In walk order of path: a directory right before what is below it. */
  readonly rows: readonly DiffRow[];
  /** Number of paths added, modified, removed, and bytes gained in all. */
  readonly summary: {
    readonly added: number;
    readonly modified: number;
    readonly removed: number;
    readonly delta: number;
  };
}

/**
 * Compares the file systems of two images through the tables of contents of their layers: type, mode, owner, content, link target,
 * device numbers and extended attributes, not times. Rejects `NOT_FOUND` for an unknown image or platform.
 *
 * @example What differs between two images
 * ```ts
 * import { builtins, createCall, createEngine, diffImages, importImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { rows, summary } = await diffImages(engine, { from: "app", to: "app" }, createCall());
 * console.log(rows, summary.added);
 * ```
 */
export async function diffImages(engine: ImageEngine, input: DiffInput, call: Call): Promise<DiffResult> {
  const images = await readImages(engine.store, call);
  const read = async (text: string): Promise<readonly LayerIndex[]> => {
    const { descriptor } = resolveAmong(images, text);
    const choice = { descriptor, name: text, platform: input.platform };
    return await readIndexes(engine.store, await chooseContent(engine.store, choice, call), call);
  };
  return diffLayers(await read(input.from), await read(input.to));
}

/** How the file system that some layers give differs from that of others, both base first. */
export function diffLayers(from: readonly LayerIndex[], to: readonly LayerIndex[]): DiffResult {
  const [before, after] = [flattenLayers(from), flattenLayers(to)];
  const rows: DiffRow[] = [];
  for (const [path, entry] of before) {
    const other = after.get(path);
    if (other === undefined) rows.push({ change: "removed", path: `/${path}`, delta: -entry.size });
    else if (!isSame(entry, other)) rows.push({ change: "modified", path: `/${path}`, delta: other.size - entry.size });
  }
  for (const [path, entry] of after) {
    if (!before.has(path)) rows.push({ change: "added", path: `/${path}`, delta: entry.size });
  }
  rows.sort((a, b) => comparePaths(a.path, b.path));
  const count = (change: DiffRow["change"]): number => rows.filter((row) => row.change === change).length;
  const summary = {
    added: count("added"),
    modified: count("modified"),
    removed: count("removed"),
    delta: rows.reduce((total, { delta }) => total + delta, 0),
  };
  return { rows, summary };
}

function isSame(a: FlatEntry, b: FlatEntry): boolean {
  return a.digest === b.digest && a.size === b.size && canonicalJson(facts(a)) === canonicalJson(facts(b));
}

function facts({ entry }: FlatEntry): unknown {
  const { mode, uid, gid, xattrs = {} } = entry;
  const isFile = entry.type === "file" || entry.type === "hardlink";
  return {
    mode,
    uid,
    gid,
    xattrs: Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, [...value]])),
    type: isFile ? "file" : entry.type,
    target: entry.type === "symlink" ? entry.target : undefined,
    device: entry.type === "char" || entry.type === "block" ? [entry.major, entry.minor] : undefined,
  };
}
