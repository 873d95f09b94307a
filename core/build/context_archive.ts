import type { ByteStream, Call } from "../contract/call.ts";
import type { Tree } from "../contract/layer.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import { indexArchive } from "../layer/index.ts";
import type { IndexEntry, LayerIndex } from "../layer/layer_index.ts";
import { createMergedTree } from "../layer/merged_tree.ts";
import { MediaType } from "../oci/media_type.ts";
import { compileIgnore } from "../path/match.ts";
import { isTarStart, tarStartBytes } from "../layer/tar_start.ts";
import { peekStream } from "../stream/byte_stream.ts";
import { decompress } from "../stream/compression.ts";
import { collectText } from "../stream/collect.ts";
import { createRules } from "./context_rules.ts";

/** Largest text that is taken for a Dockerfile. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** An archive as trees. */
export interface ArchiveContext {
  /** The files without what ignore patterns leave out. */
  tree(exclude: readonly string[]): Tree;
}

/** The tree of a context without files. */
export function emptyContextTree(): Tree {
  return createMergedTree([], () => Promise.reject(new EngineError("INTERNAL", "Cannot open layer: there is none")));
}

/**
 * Puts a tar, compressed or not, into the store, uncompressed so that files in it can be reached, and reads its table
 * of contents. Rejects `INVALID_ARGUMENT` for a damaged archive.
 */
export async function openArchive(stream: ByteStream, store: Store, call: Call): Promise<ArchiveContext> {
  return await openTar((await decompress(stream)).stream, store, call);
}

/**
 * As {@linkcode openArchive} for an archive; the text of anything else, of at most 1 MiB. Rejects `INVALID_ARGUMENT`
 * when it is neither.
 */
export async function openDownload(
  stream: ByteStream,
  store: Store,
  call: Call,
): Promise<ArchiveContext | { readonly text: string }> {
  const { stream: plain, compression } = await decompress(stream);
  const { head, stream: all } = await peekStream(plain, tarStartBytes, call.signal);
  if (compression !== "none" || isTarStart(head)) return await openTar(all, store, call);
  return { text: await collectText(all, MAX_TEXT_BYTES) };
}

async function openTar(stream: ByteStream, store: Store, call: Call): Promise<ArchiveContext> {
  const descriptor = await store.ingest(stream, MediaType.layer, call);
  const { diffId, index } = await indexArchive(await store.open(descriptor, call), descriptor, call);
  return {
    tree: (exclude) => {
      const layer = { descriptor, diffId, index: excludeFromIndex(index, exclude) };
      return createMergedTree([layer], (opened, offset) => store.open(opened, call, offset));
    },
  };
}

/**
 * A table of contents without what ignore patterns leave out. A directory stays when something below it does; of a file
 * whose first name is left out, the first name that stays becomes the file.
 */
export function excludeFromIndex(index: LayerIndex, exclude: readonly string[]): LayerIndex {
  if (exclude.length === 0) return index;
  const rules = createRules(compileIgnore(exclude), false);
  const files = new Map(index.entries.map((entry) => [entry.path, entry]));
  const moved = new Map<string, string>();
  const entries: IndexEntry[] = [];
  let pending: IndexEntry[] = [];
  for (const entry of index.entries) {
    const verdict = entry.path === "." ? "take" : rules.judge(entry.path);
    pending = pending.filter((directory) => entry.path.startsWith(`${directory.path}/`));
    if (verdict === "take") {
      entries.push(...pending, entry.type === "hardlink" ? relink(entry, { files, moved, rules }) : entry);
      pending = [];
    } else if (verdict === "look-below" && entry.type === "directory") pending.push(entry);
  }
  return { entries };
}

interface Relinking {
  readonly files: ReadonlyMap<string, IndexEntry>;
  /** Where files whose own name is left out went, by that name. */
  readonly moved: Map<string, string>;
  readonly rules: ReturnType<typeof createRules>;
}

function relink(link: IndexEntry & { readonly type: "hardlink" }, { files, moved, rules }: Relinking): IndexEntry {
  const file = files.get(link.target);
  if (file === undefined || rules.judge(link.target) === "take") return link;
  const target = moved.get(link.target);
  if (target !== undefined) return { ...link, target };
  moved.set(link.target, link.path);
  return { ...file, path: link.path };
}
