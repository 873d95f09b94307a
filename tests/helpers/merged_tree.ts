import type { LayerEntry, Tree } from "../../core/contract/layer.ts";
import { indexLayer } from "../../core/layer/index_layer.ts";
import { createMergedTree } from "../../core/layer/merged_tree.ts";
import { streamOf } from "../../core/stream/byte_stream.ts";
import { collectText, concatBytes } from "../../core/stream/collect.ts";
import { createHasher } from "../../core/stream/hash_stream.ts";
import { createTestCall } from "./build_fixture.ts";
import { createBlobBox } from "./layer_parts.ts";
import { tarEnd } from "./tar_bytes.ts";

const call = createTestCall();

/** The tree over layers of entries. */
export async function treeOf(...layers: readonly (readonly LayerEntry[])[]): Promise<Tree> {
  const box = createBlobBox();
  const parts = [];
  for (const layer of layers) parts.push(await box.pack(...layer));
  return createMergedTree(parts, box.open);
}

/** The tree over layers that a hostile or careless program wrote. */
export async function rawTree(...layers: readonly (readonly Uint8Array[])[]): Promise<Tree> {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const parts = [];
  for (const layer of layers) {
    const bytes = concatBytes([...layer, tarEnd]);
    const hasher = createHasher();
    hasher.update(bytes);
    const descriptor = { mediaType: "application/octet-stream", digest: hasher.digest(), size: bytes.length };
    blobs.set(descriptor.digest, bytes);
    parts.push({ descriptor, ...await indexLayer(streamOf(bytes), descriptor, call) });
  }
  return createMergedTree(
    parts,
    (descriptor, offset = 0) =>
      Promise.resolve(streamOf(blobs.get(descriptor.digest)?.subarray(offset) ?? new Uint8Array(0))),
  );
}

/** A walk as lines of text: type, path, link target, content. */
export async function show(tree: Tree, path = ".", exclude: readonly string[] = []): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of tree.walk(path, { exclude }, call)) {
    const target = "target" in entry ? ` -> ${entry.target}` : "";
    const text = entry.type === "file" ? ` ${await collectText(await tree.read(entry.path, call), 1000)}` : "";
    lines.push(`${entry.type} ${entry.path}${target}${text}`);
  }
  return lines;
}
