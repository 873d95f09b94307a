// deno-lint-ignore-file explicit-function-return-type
/** A layer plugin: puts what is below a path of its second input into one tar, and a note beside it. */
import type { BuildOp, LayerContext, LayerEntry, PluginFactory, PluginSamples } from "../../core/contract/mod.ts";

const plugin: PluginFactory = ({ kit }) => {
  const read = ({ args }: BuildOp, { inputs, signal }: LayerContext) => {
    if (signal.aborted) throw kit.error("CANCELED", "Canceled");
    const [, tree] = inputs;
    const { source, target } = args;
    if (typeof source !== "string" || typeof target !== "string" || tree === undefined) {
      throw kit.error("INVALID_ARGUMENT", "Cannot pack: source and target are needed", {
        detail: { field: "source", value: source },
      });
    }
    return { source, target, tree };
  };
  const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

  async function* unstamped(entries: AsyncIterable<LayerEntry>): AsyncGenerator<LayerEntry> {
    for await (const entry of entries) {
      yield entry.type === "whiteout" || entry.type === "opaque" ? entry : { ...entry, mtime: 0 };
    }
  }

  return {
    name: "layer-archive",
    api: 1,
    layer: [{
      kinds: ["archive.pack"],
      async contentKey(op, context) {
        const { source, tree } = read(op, context);
        return await tree.digest(source, {}, context);
      },
      async *build(op, context) {
        const { source, target, tree } = read(op, context);
        const tar = kit.writeTar(unstamped(tree.walk(source, {}, context)), context);
        const packed = await context.scratch.ingest(tar, 64 * 1024 * 1024);
        context.emit({ type: "step-progress", step: "pack", current: packed.size, unit: "bytes" });
        yield { ...meta, type: "file", path: target, size: packed.size, content: context.scratch.open(packed) };
        const note = new TextEncoder().encode(`${packed.digest}\n`);
        yield { ...meta, type: "file", path: `${target}.digest`, size: note.length, content: note };
      },
    }],
  };
};
export default plugin;

export const samples: PluginSamples = {
  layer: {
    "archive.pack": [{ args: { source: "d", target: "d.tar" }, inputs: [{}, { "d/a": "a", "d/b": "b" }] }],
  },
};
