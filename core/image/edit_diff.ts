import type { ImageConfig } from "../oci/image_config.ts";
import { variableName } from "./edit_change.ts";

/**
 * One thing that differs between two configs.
 *
 * @example Another user
 * ```ts
 * import type { ConfigDifference } from "@strata/strata";
 *
 * const difference: ConfigDifference = { path: "config.User", before: undefined, after: '"1000"' };
 * console.log(difference.path);
 * ```
 */
export interface ConfigDifference {
  /** Where, e.g. `config.Env.PATH` or `rootfs.diff_ids`. */
  readonly path: string;
  /** JSON text of what was there; undefined for what is new. */
  readonly before: string | undefined;
  /** JSON text of what is there now; undefined for what is gone. */
  readonly after: string | undefined;
}

/** Lists whose entries are compared one by one, by what tells them apart. */
const lists: Readonly<Record<string, (entry: unknown) => string>> = {
  "config.Env": (entry) => `.${variableName(String(entry))}`,
  "rootfs.diff_ids": (entry) => `[${String(entry)}]`,
  "history": (entry) => `[${JSON.stringify(entry)}]`,
};

/** How one config differs from another, sorted by path. */
export function diffConfigs(before: ImageConfig, after: ImageConfig): readonly ConfigDifference[] {
  const [old, now] = [flatten(before), flatten(after)];
  const differences: ConfigDifference[] = [];
  for (const [key, { path, text }] of now) {
    const was = old.get(key)?.text;
    if (was !== text) differences.push({ path, before: was, after: text });
  }
  for (const [key, { path, text }] of old) {
    if (!now.has(key)) differences.push({ path, before: text, after: undefined });
  }
  return differences.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

interface Leaf {
  readonly path: string;
  readonly text: string;
}

/** Leaves by a key that is unique; entries of lists that have no name of their own share a path. */
function flatten(config: ImageConfig): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const walk = (value: unknown, path: string): void => {
    const keyOf = lists[path];
    if (Array.isArray(value) && keyOf !== undefined) {
      for (const entry of value) {
        const key = path + keyOf(entry);
        const shown = path === "config.Env" ? key : path;
        leaves.set(key, { path: shown, text: JSON.stringify(path === "config.Env" ? valueOf(entry) : entry) });
      }
    } else if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
      for (const [name, each] of Object.entries(value)) walk(each, path === "" ? name : `${path}.${name}`);
    } else if (value !== undefined) leaves.set(path, { path, text: JSON.stringify(value) });
  };
  walk(config, "");
  return leaves;
}

function valueOf(entry: unknown): string {
  const text = String(entry);
  return text.slice(variableName(text).length + 1);
}
