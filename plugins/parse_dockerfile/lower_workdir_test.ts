import { assertEquals } from "@std/assert";
import { parseText } from "../../tests/helpers/graph_case.ts";

Deno.test("WORKDIR stays where it is when its path is empty after expansion", async () => {
  const { graph } = await parseText("FROM scratch\nWORKDIR /a\nWORKDIR $NONE\n");
  assertEquals(graph.config.WorkingDir, "/a");
});

Deno.test("WORKDIR never leaves the root", async () => {
  const { graph } = await parseText("FROM scratch\nWORKDIR ../../..\n");
  assertEquals([graph.config.WorkingDir, graph.nodes.length], ["/", 1]);
});

Deno.test("WORKDIR is reported as relative once, and not when a stage below set one", async () => {
  const { context } = await parseText(
    "FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b\nFROM scratch\nWORKDIR c\nWORKDIR d\n",
  );
  assertEquals(context.events.map((event) => event.type === "warning" ? event.at?.line : 0), [6]);
});
