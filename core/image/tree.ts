import type { Call } from "../contract/call.ts";
import type { ImageContent } from "../build/base_image.ts";
import { createLayerFiles } from "../build/layer_files.ts";
import { settleAll } from "../build/settle_all.ts";
import type { Store } from "../contract/store.ts";
import type { IndexEntry, LayerIndex } from "../layer/index.ts";
import type { Digest, Platform } from "../oci/descriptor.ts";
import { chooseContent } from "./choose_content.ts";
import { flattenLayers } from "./flat_tree.ts";
import { layerSizes } from "./layer_sizes.ts";
import { type ImageEngine, resolveImage } from "./resolve_image.ts";

/**
 * What `image tree` is asked.
 *
 * @example By a start of the ID
 * ```ts
 * import type { TreeInput } from "@strata/strata";
 *
 * const input: TreeInput = { image: "0a1b2c" };
 * console.log(input);
 * ```
 */
export interface TreeInput {
  /** Name, ID, ID prefix, digest or alias. */
  readonly image: string;
  /** Platform to look at, for an index; the host's when left out. */
  readonly platform?: Platform;
}

/**
 * One entry of one layer.
 *
 * @example Files that a later layer covers
 * ```ts
 * import type { TreeFile } from "@strata/strata";
 *
 * const covered = (files: readonly TreeFile[]): string[] =>
 *   files.filter(({ wasted }) => wasted > 0).map(({ path }) => path);
 * console.log(covered([]));
 * ```
 */
export interface TreeFile {
  /** Absolute path. */
  readonly path: string;
  /** What the layer does there; `whiteout` hides the path of lower layers, `opaque` everything below it. */
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "fifo" | "char" | "block" | "whiteout" | "opaque";
  /** Bytes of a regular file, else 0. */
  readonly size: number;
  /** Permission bits; 0 for a whiteout. */
  readonly mode: number;
  /** Numeric owner. */
  readonly uid: number;
  /** Numeric group. */
  readonly gid: number;
  /** Link target; undefined when it is no link. */
  readonly target: string | undefined;
  /** Bytes of this file that a layer above hides or replaces. */
  readonly wasted: number;
}

/**
 * One layer with what it holds.
 *
 * @example What a step has added
 * ```ts
 * import type { TreeLayerRow } from "@strata/strata";
 *
 * const show = ({ createdBy, files, size }: TreeLayerRow): string =>
 *   `${createdBy}: ${files.length} files, ${size} bytes`;
 * ```
 */
export interface TreeLayerRow {
  /** Digest of its blob. */
  readonly digest: Digest;
  /** diffID. */
  readonly diffId: Digest;
  /** Instruction text of the history entry that made it; empty when unknown. */
  readonly createdBy: string;
  /** Bytes of the files in the layer. */
  readonly size: number;
  /** Entries in walk order: a directory right before what is below it. */
  readonly files: readonly TreeFile[];
}

/**
 * Layers of an image with their files.
 *
 * @example Whether an image carries much that nobody sees
 * ```ts
 * import type { TreeResult } from "@strata/strata";
 *
 * const isWasteful = ({ wasted, total }: TreeResult): boolean => wasted > total / 10;
 * ```
 */
export interface TreeResult {
  /** Image ID. */
  readonly id: Digest;
  /** Base first. */
  readonly layers: readonly TreeLayerRow[];
  /** Bytes of regular files in all layers. */
  readonly total: number;
  /** Bytes of files that a layer above hides or replaces. */
  readonly wasted: number;
  /** Share of bytes that are visible in the end, 0 to 1. */
  readonly efficiency: number;
}

/**
 * Shows what each layer of an image holds, from the tables of contents. Rejects `NOT_FOUND` for an unknown image or platform.
 *
 * @example Files of each layer
 * ```ts
 * import { builtins, createCall, createEngine, imageTree, importImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { layers, efficiency } = await imageTree(engine, { image: "app" }, createCall());
 * for (const { createdBy, files } of layers) console.log(createdBy, files.map(({ path }) => path));
 * console.log(efficiency);
 * ```
 */
export async function imageTree(engine: ImageEngine, input: TreeInput, call: Call): Promise<TreeResult> {
  const image = await resolveImage(engine, input.image, call);
  const choice = { descriptor: image.descriptor, name: input.image, platform: input.platform };
  const content = await chooseContent(engine.store, choice, call);
  const indexes = await readIndexes(engine.store, content, call);
  const hidden = new Set<IndexEntry>();
  flattenLayers(indexes, ({ entry }) => hidden.add(entry));
  const sizes = await layerSizes(engine.store, content, call);
  const steps = content.history.filter((entry) => entry.empty_layer !== true);
  const layers = content.chain.layers.map(({ descriptor, diffId }, at): TreeLayerRow => ({
    digest: descriptor.digest,
    diffId,
    createdBy: steps[at]?.created_by ?? "",
    size: sizes[at] ?? 0,
    files: (indexes[at]?.entries ?? []).map((entry) => describe(entry, hidden.has(entry))),
  }));
  const files = layers.flatMap((layer) => layer.files);
  const total = files.reduce((bytes, { size }) => bytes + size, 0);
  const wasted = files.reduce((bytes, file) => bytes + file.wasted, 0);
  return { id: image.id, layers, total, wasted, efficiency: total === 0 ? 1 : (total - wasted) / total };
}

/** Tables of contents of an image's layers, base first; made where they are missing. Rejects as `LayerFiles.index` does. */
export async function readIndexes(store: Store, content: ImageContent, call: Call): Promise<readonly LayerIndex[]> {
  const files = createLayerFiles(store);
  return await settleAll(content.chain.layers.map((layer) => files.index(layer, call)));
}

function describe(entry: IndexEntry, isHidden: boolean): TreeFile {
  const path = entry.path === "." ? "/" : `/${entry.path}`;
  if (entry.type === "whiteout" || entry.type === "opaque") {
    return { path, type: entry.type, size: 0, mode: 0, uid: 0, gid: 0, target: undefined, wasted: 0 };
  }
  const size = entry.type === "file" ? entry.size : 0;
  const target = entry.type === "symlink" || entry.type === "hardlink" ? entry.target : undefined;
  const { type, mode, uid, gid } = entry;
  return { path, type, size, mode, uid, gid, target, wasted: isHidden ? size : 0 };
}
