import type { BuildOp, Json, LayerEntry, LayerHook } from "../../core/contract/mod.ts";
import layerCopy from "../../plugins/layer_copy/mod.ts";
import { createLayerContext, readContent } from "./layer_context.ts";
import { createMemoryTree } from "./memory_tree.ts";
import { createTestHost } from "./test_host.ts";

/** Inputs of a copy, and arguments that differ from a plain `COPY`. */
export interface CopyStep {
  /** What lies below the copy. */
  readonly base?: readonly LayerEntry[];
  /** What is copied from, input 1. */
  readonly source?: readonly LayerEntry[];
  /** Paths in input 1; those with wildcards are patterns. */
  readonly from?: readonly string[];
  /** Where to. */
  readonly to?: string;
  /** Other arguments, in place of the defaults. */
  readonly args?: Readonly<Record<string, Json>>;
  /** Config of the plugin. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Seconds since the Unix epoch. */
  readonly sourceDateEpoch?: number;
}

/** The hook for a kind of operation. */
export async function copyHook(kind: string, config: Readonly<Record<string, unknown>> = {}): Promise<LayerHook> {
  const plugin = await layerCopy(createTestHost(config));
  const hook = plugin.layer?.find(({ kinds }) => kinds.includes(kind));
  if (hook === undefined) throw new Error(`no hook for ${kind}`);
  return hook;
}

/** The operation of a step. */
export function copyOp({ from = [], to = "/", args = {} }: CopyStep): BuildOp {
  const sources = from.map((path) => ({ input: 1, path, pattern: /[*?[\\]/.test(path) }));
  const plain = { chown: null, chmod: null, parents: false, exclude: [], extract: "never", strict: true };
  return { kind: "copy", args: { sources, dest: to, ...plain, ...args } };
}

/** Entries that a copy yields, in order. */
export async function buildCopy(step: CopyStep): Promise<LayerEntry[]> {
  const hook = await copyHook("copy", step.config);
  const inputs = [createMemoryTree(step.base ?? []), createMemoryTree(step.source ?? [])];
  const epoch = step.sourceDateEpoch === undefined ? {} : { sourceDateEpoch: step.sourceDateEpoch };
  return await Array.fromAsync(hook.build(copyOp(step), createLayerContext({ inputs, ...epoch })), keep);
}

/** What a copy yields, one line an entry: `type path mode uid:gid` and the text, the target or the device. */
export async function showCopy(step: CopyStep): Promise<string[]> {
  const entries = await buildCopy(step);
  return await Promise.all(entries.map(showEntry));
}

/** One line for an entry; plain modes, owner 0:0 and what is empty are left out. */
export async function showEntry(entry: LayerEntry): Promise<string> {
  if (entry.type === "whiteout" || entry.type === "opaque") return `${entry.type} ${entry.path}`;
  const plain = entry.type === "directory" ? 0o755 : entry.type === "symlink" ? 0o777 : 0o644;
  const parts = [entry.type, entry.path];
  if (entry.mode !== plain) parts.push(entry.mode.toString(8));
  if (entry.uid !== 0 || entry.gid !== 0) parts.push(`${entry.uid}:${entry.gid}`);
  if (entry.type === "file") parts.push("=", new TextDecoder().decode(await readContent(entry)));
  if (entry.type === "symlink" || entry.type === "hardlink") parts.push("->", entry.target);
  if (entry.type === "char" || entry.type === "block") parts.push(`${entry.major}/${entry.minor}`);
  return parts.join(" ").trimEnd();
}

/** Reads a file's bytes while they can be had, so that entries can be looked at later. */
async function keep(entry: LayerEntry): Promise<LayerEntry> {
  return entry.type === "file" ? { ...entry, content: await readContent(entry) } : entry;
}
