import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  createLayerHost,
  createTestCall,
  createTextHook,
  graphOf,
  solveOptions,
  textNode,
} from "../../tests/helpers/build_fixture.ts";
import { createMemoryStore } from "../../tests/helpers/memory_store.ts";
import type { BuildGraph, BuildNode } from "../contract/parse.ts";
import { EngineError } from "../errors.ts";
import type { KeptLayer, SharedCache } from "./cache.ts";
import { solve } from "./solve.ts";

const scratch: BuildNode = { type: "scratch" };

/** Two stages: `a` and `b` on scratch, `c` on `a` reading `b`. */
function twoStages(a: string, b: string): BuildGraph {
  return graphOf(scratch, textNode(a, [0]), textNode(b, [0]), textNode("c", [1, 2]), textNode("d", [3]));
}

Deno.test("solve() builds each step once when nothing is remembered", async () => {
  await using store = createMemoryStore();
  const hook = createTextHook();
  const { graphs, steps } = await solve([twoStages("a", "b")], solveOptions(store, hook), createTestCall());
  assertEquals([...hook.built].sort(), ["a", "b", "c", "d"]);
  assertEquals(steps, { total: 4, cached: 0, built: 4 });
  assertEquals(graphs[0]?.chain.layers.length, 3);
});

Deno.test("solve() builds nothing when the graph is as before", async () => {
  await using store = createMemoryStore();
  const first = await solve([twoStages("a", "b")], solveOptions(store, createTextHook()), createTestCall());
  const hook = createTextHook();
  const call = createTestCall();
  const second = await solve([twoStages("a", "b")], solveOptions(store, hook), call);
  assertEquals(hook.built, []);
  assertEquals(second.steps, { total: 4, cached: 4, built: 0 });
  assertEquals(second.graphs[0]?.chain, first.graphs[0]?.chain);
  assertEquals(call.events.filter(({ type }) => type === "step-ended").length, 4);
  assert(call.events.every((event) => event.type !== "step-ended" || event.outcome === "cached"));
});

Deno.test("solve() builds the changed step and what depends on it when one changed", async () => {
  await using store = createMemoryStore();
  await solve([twoStages("a", "b")], solveOptions(store, createTextHook()), createTestCall());
  const hook = createTextHook();
  await solve([twoStages("changed", "b")], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built, ["changed", "c", "d"]);
});

Deno.test("solve() keeps followers when a rebuilt step gives the same layer", async () => {
  await using store = createMemoryStore();
  const write = (): string => "same";
  const graph = (key: string): BuildGraph => {
    const node = textNode("a", [0]);
    if (node.type !== "layer") throw new TypeError("no layer");
    const changed = { ...node, op: { kind: "text", args: { ...node.op.args, key } } };
    return graphOf(scratch, changed, textNode("b", [1]));
  };
  await solve([graph("1")], solveOptions(store, createTextHook({ write })), createTestCall());
  const hook = createTextHook({ write });
  await solve([graph("2")], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built, ["a"]);
});

Deno.test("solve() does not rebuild a linked layer when what it is put on changed", async () => {
  await using store = createMemoryStore();
  const graph = (base: string): BuildGraph =>
    graphOf(scratch, textNode(base, [0]), textNode("linked", [0], { onto: 1 }));
  const first = await solve([graph("old")], solveOptions(store, createTextHook()), createTestCall());
  const hook = createTextHook();
  const second = await solve([graph("new")], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built, ["new"]);
  const layers = [first, second].map(({ graphs }) => graphs[0]?.chain.layers.map(({ diffId }) => diffId));
  assertEquals(layers[0]?.[1], layers[1]?.[1]);
  assert(layers[0]?.[0] !== layers[1]?.[0]);
});

Deno.test("solve() depends on whole inputs when the hook gives no content key", async () => {
  await using store = createMemoryStore();
  const graph = (text: string): BuildGraph => {
    const node: BuildNode = {
      type: "layer",
      op: { kind: "text", args: { text: "c" } },
      inputs: [0, 1],
      name: "TEXT c",
    };
    return graphOf(scratch, textNode(text, [0]), node);
  };
  await solve([graph("a")], solveOptions(store, createTextHook()), createTestCall());
  const hook = createTextHook();
  await solve([graph("b")], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built, ["b", "c"]);
});

Deno.test("solve() leaves out nodes when the result does not need them", async () => {
  await using store = createMemoryStore();
  const hook = createTextHook();
  const broken: BuildNode = { type: "layer", op: { kind: "run", args: {} }, inputs: [0], name: "RUN x" };
  await solve([graphOf(scratch, broken, textNode("a", [0]))], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built, ["a"]);
});

Deno.test("solve() rejects before any step when nobody builds an operation", async () => {
  await using store = createMemoryStore();
  const hook = createTextHook();
  const at = { file: "Dockerfile", line: 3, endLine: 3 };
  const broken: BuildNode = { type: "layer", op: { kind: "run", args: {} }, inputs: [1], name: "RUN x", at };
  const graph = graphOf(scratch, textNode("a", [0]), broken);
  const call = createTestCall();
  const error = await assertRejects(() => solve([graph], solveOptions(store, hook), call), EngineError, "RUN x");
  assertEquals([error.code, error.detail.range], ["UNSUPPORTED", at]);
  assertEquals([hook.built, call.events], [[], []]);
});

Deno.test("solve() builds equal steps once when branches and platforms share them", async () => {
  await using store = createMemoryStore();
  const hook = createTextHook();
  const graph = graphOf(scratch, textNode("a", [0]), textNode("a", [0]), textNode("c", [1, 2]));
  const { steps } = await solve([graph, graph], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built, ["a", "c"]);
  assertEquals(steps, { total: 6, cached: 4, built: 2 });
});

Deno.test("solve() runs branches together when they do not depend on each other", async () => {
  await using store = createMemoryStore();
  const both = Promise.withResolvers<void>();
  let waiting = 0;
  const hook = createTextHook({
    before: async ({ args }) => {
      if (args.text === "c" || args.text === "d") return;
      if (++waiting === 2) both.resolve();
      await both.promise;
    },
  });
  await solve([twoStages("a", "b")], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built.slice(2), ["c", "d"]);
});

Deno.test("solve() cancels the rest and rejects with the first failure when a step fails", async () => {
  await using store = createMemoryStore();
  const started = Promise.withResolvers<void>();
  let isCanceled = false;
  const hook = createTextHook({
    before: async ({ args }, context) => {
      if (args.text === "bad") {
        await started.promise;
        throw new EngineError("STEP_FAILED", "Cannot build it: it is bad");
      }
      const aborted = Promise.withResolvers<void>();
      context.signal.addEventListener("abort", () => aborted.resolve());
      started.resolve();
      await aborted.promise;
      isCanceled = true;
    },
  });
  const call = createTestCall();
  const at = { file: "Dockerfile", line: 2, endLine: 2 };
  const graph = graphOf(scratch, textNode("slow", [0]), textNode("bad", [0], { at }), textNode("c", [1, 2]));
  const error = await assertRejects(() => solve([graph], solveOptions(store, hook), call), EngineError, "it is bad");
  assertEquals([error.code, error.detail.range], ["STEP_FAILED", at]);
  assert(isCanceled);
  assertEquals([...hook.built].sort(), ["bad", "slow"]);
  const ends = call.events.flatMap((event) => event.type === "step-ended" ? [event.outcome] : []);
  assertEquals(ends, ["failed", "canceled"]);
  assertEquals(await Array.fromAsync(store.names("", call)), []);
});

Deno.test("solve() points at the step that reads a source when the source cannot be opened", async () => {
  await using store = createMemoryStore();
  const git = (): Promise<never> => Promise.reject(new EngineError("NOT_FOUND", "Cannot find it: it is away"));
  const options = solveOptions(store, createTextHook());
  const sources = { ...options.sources, git };
  const at = { file: "Dockerfile", line: 2, endLine: 2 };
  const repository: BuildNode = { type: "git", url: "https://x.example/y.git", keepGitDir: false };
  const graph = graphOf(scratch, repository, textNode("on it", [1]), textNode("a", [2, 1], { at }));
  const error = await assertRejects(() => solve([graph], { ...options, sources }, createTestCall()), EngineError);
  assertEquals([error.code, error.detail.range], ["NOT_FOUND", at]);
  const onlyBelow = graphOf(repository, textNode("a", [0], { at }));
  const below = await assertRejects(
    () => solve([onlyBelow], { ...options, sources }, createTestCall()),
    EngineError,
  );
  assertEquals(below.detail.range, undefined);
});

Deno.test("solve() rejects CANCELED when the call is aborted", async () => {
  await using store = createMemoryStore();
  const controller = new AbortController();
  const hook = createTextHook({ before: () => Promise.resolve(controller.abort()) });
  const call = createTestCall(controller.signal);
  const error = await assertRejects(
    () => solve([graphOf(scratch, textNode("a", [0]))], solveOptions(store, hook), call),
    EngineError,
  );
  assertEquals(error.code, "CANCELED");
  assertEquals(await Array.fromAsync(store.names("", createTestCall())), []);
});

Deno.test("solve() builds a step again when it may not use the cache", async () => {
  await using store = createMemoryStore();
  await solve([graphOf(scratch, textNode("a", [0]))], solveOptions(store, createTextHook()), createTestCall());
  const hook = createTextHook();
  const graph = graphOf(scratch, textNode("a", [0], { noCache: true }), textNode("b", [1]));
  await solve([graph], solveOptions(store, hook), createTestCall());
  assertEquals(hook.built, ["a", "b"]);
});

Deno.test("solve() builds a step again when an equal one of the same build may use the cache", async () => {
  await using store = createMemoryStore();
  await solve([graphOf(scratch, textNode("a", [0]))], solveOptions(store, createTextHook()), createTestCall());
  const hook = createTextHook();
  const graph = graphOf(scratch, textNode("a", [0]), textNode("a", [0], { noCache: true }), textNode("b", [1, 2]));
  await solve([graph], solveOptions(store, hook, { jobs: 1 }), createTestCall());
  assertEquals(hook.built, ["a", "b"]);
});

Deno.test("solve() builds a step again when its layer is gone from the store", async () => {
  await using store = createMemoryStore();
  const call = createTestCall();
  const { graphs } = await solve(
    [graphOf(scratch, textNode("a", [0]))],
    solveOptions(store, createTextHook()),
    call,
  );
  const [layer] = graphs[0]?.chain.layers ?? [];
  assert(layer !== undefined && await store.delete(layer.descriptor.digest, call));
  const hook = createTextHook();
  await solve([graphOf(scratch, textNode("a", [0]))], solveOptions(store, hook), call);
  assertEquals(hook.built, ["a"]);
});

Deno.test("solve() does not reuse layers of another SOURCE_DATE_EPOCH", async () => {
  await using store = createMemoryStore();
  const hook = createTextHook();
  const graph = graphOf(scratch, textNode("a", [0]));
  await solve([graph], solveOptions(store, hook), createTestCall());
  await solve([graph], solveOptions(store, hook, { sourceDateEpoch: 5 }), createTestCall());
  assertEquals(hook.built, ["a", "a"]);
});

Deno.test("solve() rejects PLUGIN_FAILED when a graph is broken", async () => {
  await using store = createMemoryStore();
  for (const graph of [graphOf(textNode("a", [0])), graphOf(scratch, textNode("a", [])), { ...graphOf(), result: 0 }]) {
    const error = await assertRejects(
      () => solve([graph], { ...solveOptions(store, createTextHook()), host: createLayerHost() }, createTestCall()),
      EngineError,
    );
    assertEquals(error.code, "PLUGIN_FAILED");
  }
});

/** A shared cache with what was noted of another build, whose layers are in a store already. */
function sharedWith(kept: readonly KeptLayer[]): SharedCache & { readonly noted: KeptLayer[] } {
  const noted: KeptLayer[] = [];
  return {
    noted,
    find: (key) => Promise.resolve(kept.find((each) => each.key === key)?.layer),
    findKey: (shortcut) => Promise.resolve(kept.find((each) => each.shortcut === shortcut)?.key),
    hasOperation: (operation) => Promise.resolve(kept.some((each) => each.operation === operation)),
    note: (each) => void noted.push(each),
  };
}

Deno.test("solve() takes from a shared cache what the store does not have, and tells it of every layer", async () => {
  await using first = createMemoryStore();
  const built = sharedWith([]);
  await solve([twoStages("a", "b")], solveOptions(first, createTextHook(), { shared: built }), createTestCall());
  assertEquals(built.noted.map(({ instruction }) => instruction).sort(), ["TEXT a", "TEXT b", "TEXT c", "TEXT d"]);
  await using second = createMemoryStore();
  const hook = createTextHook();
  const taken = sharedWith(built.noted);
  const { steps, graphs } = await solve(
    [twoStages("a", "b")],
    solveOptions(second, hook, { shared: taken }),
    createTestCall(),
  );
  assertEquals([steps, hook.built], [{ total: 4, cached: 4, built: 0 }, []]);
  assertEquals(graphs[0]?.chain.layers.map(({ diffId }) => diffId).length, 3);
  assertEquals(taken.noted.map(({ key }) => key).sort(), built.noted.map(({ key }) => key).sort());
  assertEquals(await Array.fromAsync(second.names("", createTestCall())), []);
});

Deno.test("solve() asks a shared cache for nothing that must be built", async () => {
  await using store = createMemoryStore();
  const built = sharedWith([]);
  await solve(
    [graphOf(scratch, textNode("a", [0]))],
    solveOptions(store, createTextHook(), { shared: built }),
    createTestCall(),
  );
  await using other = createMemoryStore();
  const hook = createTextHook();
  const shared = sharedWith(built.noted);
  const graph = graphOf(scratch, textNode("a", [0], { noCache: true }));
  await solve([graph], solveOptions(other, hook, { shared }), createTestCall());
  assertEquals([hook.built, shared.noted.length], [["a"], 1]);
});
