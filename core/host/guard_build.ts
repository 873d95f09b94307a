import type { LayerHook } from "../contract/layer.ts";
import type { ParseHook } from "../contract/parse.ts";
import { checkBoolean, checkOptionalDigest } from "./check.ts";
import { checkGraph, checkLayerEntry } from "./check_build.ts";
import { guardCall, guardEach, placeIn } from "./guard_call.ts";

/** The parse hook with every call guarded: what is not an engine's error becomes `PLUGIN_FAILED`, and results are checked. */
export function guardParse(hook: ParseHook, plugin: string): ParseHook {
  const at = placeIn(plugin, "parse");
  return {
    format: hook.format,
    matches: (file) => guardCall(at("matches"), async () => await hook.matches(file), checkBoolean),
    parse: (file, context) => guardCall({ ...at("parse"), call: context }, () => hook.parse(file, context), checkGraph),
    outline: (file, context) => guardCall({ ...at("outline"), call: context }, () => hook.outline(file, context)),
  };
}

/** The layer hook with every call guarded; each entry that it yields is checked. */
export function guardLayer(hook: LayerHook, plugin: string): LayerHook {
  const at = placeIn(plugin, "layer");
  return {
    kinds: hook.kinds,
    contentKey: (op, context) =>
      guardCall({ ...at("contentKey"), call: context }, () => hook.contentKey(op, context), checkOptionalDigest),
    build: (op, context) =>
      guardEach({ ...at("build"), call: context }, () => hook.build(op, context), checkLayerEntry),
  };
}
