/**
 * Layers that commands make: operation `run` (RUN).
 *
 * @module
 */
import type {
  Json,
  Kit,
  LayerContext,
  LayerEntry,
  LayerHook,
  Plugin,
  PluginHost,
  RunSpec,
} from "../../core/contract/mod.ts";
import { readRunSpec } from "./args.ts";

/** The plugin. It takes no config. */
export default function layerRun({ kit }: PluginHost): Plugin {
  return { name: "layer-run", api: 1, layer: [runHook(kit)] };
}

function runHook(kit: Kit): LayerHook {
  return {
    kinds: ["run"],
    contentKey: async (op, context) =>
      await kit.sha256(kit.canonicalJson(await mountedContent(readRunSpec(op, kit), context, kit))),
    async *build(op, context): AsyncGenerator<LayerEntry> {
      yield* context.run(readRunSpec(op, kit));
    },
  };
}

/** What the command sees of other filesystems: of each mount just the path that is mounted. Caches and secrets decide nothing. */
async function mountedContent({ mounts }: RunSpec, context: LayerContext, kit: Kit): Promise<Json> {
  return await Promise.all(mounts.map(async (mount) => {
    const tree = mount.type === "bind" ? context.inputs[mount.input] : undefined;
    if (mount.type !== "bind" || tree === undefined) return null;
    const path = await tree.resolve(mount.source, context);
    if (await tree.lstat(path, context) !== undefined) return await tree.digest(path, {}, context);
    const { source, target } = mount;
    throw kit.error("NOT_FOUND", `Cannot mount "/${source.replace(/^\//, "")}" at "${target}": not found`, {
      detail: { kind: "file", name: source },
    });
  }));
}
