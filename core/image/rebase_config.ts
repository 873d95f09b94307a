import type { ImageContent } from "../build/base_image.ts";
import { EngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { ExecConfig, History, ImageConfig } from "../oci/image_config.ts";
import { formatPlatform } from "../oci/platform.ts";
import { variableName } from "./edit_change.ts";

/** An image and the bases it is moved between, all for one platform. */
export interface Rebase {
  readonly image: ImageContent;
  readonly oldBase: ImageContent;
  readonly newBase: ImageContent;
}

/**
 * The config of an image on another base. Its own layers and steps follow those of the new base. Of the exec config, what the image has as
 * the old base had it is as in the new one; what it changed, added or took away stays so. That counts for each variable, label, port and
 * volume, and for every other member as a whole. `Cmd` is only taken from the new base when `Entrypoint` is as well, as a new
 * entrypoint in a build file drops the base's `Cmd`; `OnBuild` is always the image's. Throws `INVALID_ARGUMENT` when the layers of the
 * old base are not the first ones of the image, or the bases are for another platform.
 */
export function rebaseConfig({ image, oldBase, newBase }: Rebase): ImageConfig {
  checkBases({ image, oldBase, newBase });
  const count = oldBase.chain.layers.length;
  const { "os.version": osVersion } = newBase.config;
  const isInherited = image.config["os.version"] === oldBase.config["os.version"];
  return {
    ...image.config,
    ...(isInherited && osVersion !== undefined ? { "os.version": osVersion } : {}),
    config: rebaseExec(image.config.config ?? {}, oldBase.config.config ?? {}, newBase.config.config ?? {}),
    rootfs: {
      type: "layers",
      diff_ids: [...newBase.config.rootfs.diff_ids, ...image.config.rootfs.diff_ids.slice(count)],
    },
    history: [...newBase.history, ...ownHistory(image.history, oldBase)],
  };
}

function checkBases({ image, oldBase, newBase }: Rebase): void {
  const platform = formatPlatform(image.platform);
  for (const base of [oldBase, newBase]) {
    const actual = formatPlatform(base.platform);
    if (actual === platform) continue;
    throw new EngineError("INVALID_ARGUMENT", `Cannot rebase for "${platform}": base is for "${actual}"`, {
      detail: { field: "rebase", expected: platform, actual },
    });
  }
  const ids = image.config.rootfs.diff_ids;
  const at = oldBase.config.rootfs.diff_ids.findIndex((diffId, index) => ids[index] !== diffId);
  if (at < 0) return;
  const expected = oldBase.config.rootfs.diff_ids[at];
  const state = `its layer ${at + 1} is ${ids[at] ?? "missing"}, expected ${expected} of the old base`;
  throw new EngineError("INVALID_ARGUMENT", `Cannot rebase image "${image.descriptor.digest}": ${state}`, {
    detail: { field: "rebase", expected, actual: ids[at] },
    hint: "Name the base that the image was built on",
  });
}

/** Steps of an image after those of its base: after as many as that has, unless its layers end elsewhere. */
function ownHistory(history: readonly History[], { history: baseSteps, chain }: ImageContent): readonly History[] {
  let left = chain.layers.length;
  const layered = (steps: readonly History[]): number => steps.filter((step) => step.empty_layer !== true).length;
  if (layered(history.slice(0, baseSteps.length)) === left) return history.slice(baseSteps.length);
  const end = history.findIndex((step) => step.empty_layer !== true && --left < 0);
  return end < 0 ? [] : history.slice(end);
}

/** Members that are merged entry by entry, and those with rules of their own. */
const maps = ["Labels", "ExposedPorts", "Volumes"] as const;
const special: readonly string[] = ["Env", "Entrypoint", "Cmd", "OnBuild", ...maps];

function rebaseExec(image: ExecConfig, oldBase: ExecConfig, newBase: ExecConfig): ExecConfig {
  const result: Record<string, unknown> = {};
  const plain = new Set([image, oldBase, newBase].flatMap(Object.keys).filter((name) => !special.includes(name)));
  const [of, was, is] = [image, oldBase, newBase].map((exec) => new Map<string, unknown>(Object.entries(exec)));
  for (const name of plain) result[name] = (isEqual(of?.get(name), was?.get(name)) ? is : of)?.get(name);
  const isSameEntrypoint = isEqual(image.Entrypoint, oldBase.Entrypoint);
  result["Entrypoint"] = (isSameEntrypoint ? newBase : image).Entrypoint;
  result["Cmd"] = (isSameEntrypoint && isEqual(image.Cmd, oldBase.Cmd) ? newBase : image).Cmd;
  result["OnBuild"] = image.OnBuild;
  const variables = ({ Env = [] }: ExecConfig): Entries => new Map(Env.map((entry) => [variableName(entry), entry]));
  const env = [...merge(variables(image), variables(oldBase), variables(newBase)).values()];
  if (env.length > 0) result["Env"] = env;
  for (const name of maps) {
    const entries = (exec: ExecConfig): Entries => new Map(Object.entries(exec[name] ?? {}));
    const merged = merge(entries(image), entries(oldBase), entries(newBase));
    if (merged.size > 0) result[name] = Object.fromEntries(merged);
  }
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined));
}

type Entries = ReadonlyMap<string, unknown>;

/** Entries of the new base in its order, then what is the image's own. */
function merge(image: Entries, oldBase: Entries, newBase: Entries): Entries {
  const merged = new Map<string, unknown>();
  const isOwn = (key: string): boolean => !isEqual(image.get(key), oldBase.get(key));
  for (const [key, value] of newBase) {
    if (!isOwn(key)) merged.set(key, value);
    else if (image.has(key)) merged.set(key, image.get(key));
  }
  for (const [key, value] of image) if (isOwn(key)) merged.set(key, value);
  return merged;
}

function isEqual(a: unknown, b: unknown): boolean {
  return a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));
}
