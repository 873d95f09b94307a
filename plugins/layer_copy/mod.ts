/**
 * Layers that copy: operations `copy` (COPY, ADD) and `mkdir` (WORKDIR).
 *
 * @module
 */
import type { LayerHook, Plugin, PluginHost } from "../../core/contract/mod.ts";
import { readCopyArgs, readMkdirArgs } from "./args.ts";
import { copyContentKey } from "./content_key.ts";
import { emitEntries } from "./emit.ts";
import { planFolders } from "./mkdir.ts";
import { checkSignal } from "./node.ts";
import { type CopyLimits, planCopy } from "./plan.ts";

/** 16 GiB. */
const defaultMaxUnpackedBytes = 16 * 2 ** 30;

/**
 * The plugin. Its config may hold `maxUnpackedBytes`: how many bytes an archive may unpack to that is unpacked on
 * demand (`ADD --unpack`), by default 16 GiB; local archives that `ADD` unpacks by itself have no bound. Throws
 * `INVALID_ARGUMENT` on any other config.
 */
export default function layerCopy(host: PluginHost): Plugin {
  const limits = readLimits(host);
  return { name: "layer-copy", api: 1, layer: [copyHook(host, limits), mkdirHook(host)] };
}

function copyHook({ kit }: PluginHost, limits: CopyLimits): LayerHook {
  return {
    kinds: ["copy"],
    contentKey: async (op, context) => {
      checkSignal({ kit, context });
      return await copyContentKey(readCopyArgs(op, kit), { kit, context });
    },
    build: (op, context) => {
      const environment = { kit, context };
      return emitEntries(async () => await planCopy(readCopyArgs(op, kit), limits, environment), environment);
    },
  };
}

function mkdirHook({ kit }: PluginHost): LayerHook {
  return {
    kinds: ["mkdir"],
    // The operation and the filesystem below it say everything.
    contentKey: async (op, context) => {
      checkSignal({ kit, context });
      readMkdirArgs(op, kit);
      return await kit.sha256("mkdir");
    },
    build: (op, context) => {
      const environment = { kit, context };
      return emitEntries(async () => await planFolders(readMkdirArgs(op, kit), environment), environment);
    },
  };
}

function readLimits({ config, kit }: PluginHost): CopyLimits {
  for (const [field, value] of Object.entries(config)) {
    const isKnown = field === "maxUnpackedBytes" && typeof value === "number" && Number.isSafeInteger(value) &&
      value > 0;
    if (isKnown) continue;
    throw kit.error("INVALID_ARGUMENT", `Cannot use config of "layer-copy": "${field}" is unknown or malformed`, {
      detail: { field, value },
      hint: "Give maxUnpackedBytes as a whole number, or nothing",
    });
  }
  const { maxUnpackedBytes } = config;
  return { maxUnpackedBytes: typeof maxUnpackedBytes === "number" ? maxUnpackedBytes : defaultMaxUnpackedBytes };
}
