import { assertEquals } from "@std/assert";
import type { BuildNode } from "../../core/contract/mod.ts";
import { createKit } from "../../core/kit.ts";
import { createGraph } from "./graph.ts";

function layer(inputs: readonly number[], kind = "copy", name = "n"): BuildNode {
  return { type: "layer", op: { kind, args: {} }, inputs, name };
}

Deno.test("add() gives the earlier node when a source is equal, and a new one for each step", () => {
  const graph = createGraph(createKit());
  assertEquals([graph.add({ type: "scratch" }), graph.add({ type: "scratch" })], [0, 0]);
  assertEquals(graph.add({ type: "context", name: "", exclude: ["a"] }), 1);
  assertEquals(graph.add({ type: "context", name: "", exclude: [] }), 2);
  assertEquals([graph.add(layer([0])), graph.add(layer([0]))], [3, 4]);
  assertEquals([graph.add(layer([0], "fetch", "a")), graph.add(layer([0], "fetch", "b"))], [5, 5]);
});

Deno.test("prune() leaves out what the result does not need and numbers the rest anew", () => {
  const graph = createGraph(createKit());
  const scratch = graph.add({ type: "scratch" });
  const unused = graph.add({ type: "context", name: "x", exclude: [] });
  graph.add(layer([scratch, unused]));
  const below = graph.add(layer([scratch]));
  const context = graph.add({ type: "context", name: "", exclude: [] });
  const linked = graph.add({ ...layer([scratch, context]), onto: below } as BuildNode);
  assertEquals(graph.prune(linked), {
    nodes: [
      { type: "scratch" },
      layer([0]),
      { type: "context", name: "", exclude: [] },
      { ...layer([0, 2]), onto: 1 } as BuildNode,
    ],
    result: 3,
  });
});
