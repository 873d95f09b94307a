import { assertEquals } from "@std/assert";
import { parseText } from "../../tests/helpers/graph_case.ts";

Deno.test("ARG is inherited by a stage that starts from the one with it", async () => {
  const { graph } = await parseText("FROM scratch AS a\nARG X=1\nFROM a\nLABEL x=$X\n");
  assertEquals(graph.config.Labels, { x: "1" });
});

Deno.test("ARG does not reach a stage beside the one with it", async () => {
  const { graph } = await parseText("FROM scratch AS a\nARG X=1\nFROM scratch\nLABEL x=$X\n");
  assertEquals(graph.config.Labels, { x: "" });
});

Deno.test("ARG takes a build argument as it is and expands a default", async () => {
  const text = "FROM scratch\nARG A=1\nARG B=x$A\nARG C=y$A\nLABEL b=$B c=$C\n";
  const { graph } = await parseText(text, { args: { B: "$A" } });
  assertEquals(graph.config.Labels, { b: "$A", c: "y1" });
});

Deno.test("ARG of the attestation scanners is declared and never part of the environment", async () => {
  const text = "FROM scratch\nARG BUILDKIT_SBOM_SCAN_STAGE=true\nLABEL a=[$BUILDKIT_SBOM_SCAN_STAGE]\nRUN x\n";
  const { graph, context } = await parseText(text);
  const node = graph.nodes[graph.result];
  assertEquals(graph.config.Labels, { a: "[]" });
  assertEquals(node?.type === "layer" && JSON.stringify(node.op.args["env"]).includes("SBOM"), false);
  assertEquals(context.events, []);
});

Deno.test("ENV and LABEL expand names as well as values", async () => {
  const { graph } = await parseText("FROM scratch\nARG N=key V=value\nENV $N=$V\nLABEL x.$N=$key\n");
  assertEquals(graph.config.Labels, { "x.key": "value" });
});

Deno.test("LABEL keeps a name that every object has when it is one", async () => {
  const { graph } = await parseText("FROM scratch\nLABEL __proto__=a constructor=b\n");
  assertEquals(Object.entries(graph.config.Labels ?? {}), [["__proto__", "a"], ["constructor", "b"]]);
});
