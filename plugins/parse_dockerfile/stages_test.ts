import { assertEquals } from "@std/assert";
import { parseText } from "../../tests/helpers/graph_case.ts";

async function codesOf(text: string): Promise<readonly string[]> {
  const { context } = await parseText(text, { images: { app: {} } });
  return context.events.flatMap((event) => event.type === "warning" ? [event.code] : []);
}

Deno.test("FROM reports an argument once when it is used in the name and the platform", async () => {
  assertEquals(await codesOf("FROM --platform=linux/amd64$X app$X\n"), ["UndefinedArgInFrom"]);
});

Deno.test("FROM does not report a platform argument when it only takes part in the value", async () => {
  assertEquals(await codesOf("ARG P\nFROM --platform=${P:-$TARGETPLATFORM} app\n"), []);
});

Deno.test("FROM honours a check comment above it and no other line", async () => {
  const text = "# check=skip=StageNameCasing\n# check=skip=StageNameCasing\nFROM scratch AS A\nFROM scratch AS B\n";
  assertEquals(await codesOf(text.replace(/^.*\n/, "\n")), ["StageNameCasing"]);
});

Deno.test("a stage without a name is known by its number when its steps are not to be cached", async () => {
  const { graph } = await parseText("FROM scratch\nFROM scratch\nWORKDIR /a\n", { noCache: ["stage-1"] });
  assertEquals(graph.nodes.map((node) => node.type === "layer" && node.noCache), [false, true]);
});
