import type { Call, EngineEvent } from "../../core/contract/call.ts";
import type { LayerContext, LayerEntry, LayerHook } from "../../core/contract/layer.ts";
import type { BuildGraph, BuildNode, BuildOp } from "../../core/contract/parse.ts";
import type { Store } from "../../core/contract/store.ts";
import type { SourceProvider } from "../../core/build/node_state.ts";
import type { SolveOptions } from "../../core/build/solve.ts";
import { EngineError } from "../../core/errors.ts";
import type { Host } from "../../core/host/registry.ts";
import type { Json } from "../../core/oci/canonical_json.ts";
import { sha256 } from "../../core/oci/digest.ts";

/** A call that keeps its events. */
export interface TestCall extends Call {
  readonly events: EngineEvent[];
}

/** A call that nobody aborts, unless a signal is given. */
export function createTestCall(signal: AbortSignal = new AbortController().signal): TestCall {
  const events: EngineEvent[] = [];
  return { signal, events, emit: (event) => void events.push(event) };
}

/** A hook whose layers hold one text file: `args.path` with `args.text`. `args.key`, when given, is its content key. */
export interface TextHook extends LayerHook {
  /** Texts of the operations that were built, in order. */
  readonly built: string[];
}

/** What a text hook does besides making its file. */
export interface TextHookOptions {
  /** Runs before a layer's file is given. */
  readonly before?: (op: BuildOp, context: LayerContext) => Promise<void>;
  /** What `args.text` becomes. */
  readonly write?: (op: BuildOp) => string;
}

/** Makes a text hook for the kind `text`. */
export function createTextHook(options: TextHookOptions = {}): TextHook {
  const built: string[] = [];
  return {
    kinds: ["text"],
    built,
    contentKey: ({ args }) => args.key === undefined ? Promise.resolve(undefined) : sha256(String(args.key)),
    async *build(op, context): AsyncGenerator<LayerEntry> {
      built.push(String(op.args.text));
      await options.before?.(op, context);
      const content = new TextEncoder().encode(options.write?.(op) ?? String(op.args.text));
      const path = String(op.args.path ?? "file");
      yield { type: "file", path, mode: 0o644, uid: 0, gid: 0, mtime: 0, size: content.length, content };
    },
  };
}

/** A host that knows these layer hooks and nothing else. */
export function createLayerHost(...hooks: readonly LayerHook[]): Pick<Host, "layer" | "plugins"> {
  const kinds = hooks.flatMap((hook) => hook.kinds);
  return {
    plugins: [{ name: "test", identity: "test", provides: { parse: [], layer: kinds, store: [], transport: [] } }],
    layer: (kind) => {
      const hook = hooks.find((each) => each.kinds.includes(kind));
      if (hook !== undefined) return Promise.resolve(hook);
      return Promise.reject(new EngineError("UNSUPPORTED", `Cannot use "${kind}"`, { detail: { known: kinds } }));
    },
  };
}

/** Sources of a build that has none. */
export const noSources: SourceProvider = {
  context: () => Promise.reject(new EngineError("NOT_FOUND", "Cannot open context: a test has none")),
  image: () => Promise.reject(new EngineError("NOT_FOUND", "Cannot open image: a test has none")),
  git: () => Promise.reject(new EngineError("NOT_FOUND", "Cannot open repository: a test has none")),
};

/** Options to solve with one hook on a store. */
export function solveOptions(store: Store, hook: LayerHook, more: Partial<SolveOptions> = {}): SolveOptions {
  let seconds = 1_000_000;
  return {
    store,
    host: createLayerHost(hook),
    sources: noSources,
    jobs: 4,
    clock: () => new Date(seconds++ * 1000),
    sourceDateEpoch: undefined,
    run: {},
    root: "/nowhere",
    ...more,
  };
}

/** A text layer on the given inputs. */
export function textNode(text: string, inputs: readonly number[], more: Partial<BuildLayerNode> = {}): BuildNode {
  const args: Record<string, Json> = { text, path: text, key: "none" };
  return { type: "layer", op: { kind: "text", args }, inputs, name: `TEXT ${text}`, ...more };
}

type BuildLayerNode = Extract<BuildNode, { type: "layer" }>;

/** A graph of nodes whose result is the last one. */
export function graphOf(...nodes: readonly BuildNode[]): BuildGraph {
  return {
    nodes,
    result: nodes.length - 1,
    platform: { os: "linux", architecture: "amd64" },
    config: {},
    history: [],
  };
}
