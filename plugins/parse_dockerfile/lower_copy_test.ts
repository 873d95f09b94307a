import { assertEquals } from "@std/assert";
import type { Json } from "../../core/contract/mod.ts";
import { parseText, refusal } from "../../tests/helpers/graph_case.ts";

async function copyArgs(instruction: string): Promise<Readonly<Record<string, Json>>> {
  const { graph } = await parseText(`FROM scratch\n${instruction}\n`, { images: { img: {} } });
  const node = graph.nodes[graph.result];
  return node?.type === "layer" ? node.op.args : {};
}

Deno.test("COPY never leads out of the context when sources hold .. parts", async () => {
  const { sources } = await copyArgs("COPY ../../etc/passwd a/../../b ./../c/ /d/");
  assertEquals(sources, ["etc/passwd", "b", "c"].map((path) => ({ input: 1, path, pattern: false })));
});

Deno.test("COPY --parents keeps the pivot when there is one below the root", async () => {
  const { sources } = await copyArgs("COPY --parents ./x/./y/*.c /./z ./w ../v/./u /d/");
  assertEquals(sources, [
    { input: 1, path: "x/./y/*.c", pattern: true },
    { input: 1, path: "z", pattern: false },
    { input: 1, path: "w", pattern: false },
    { input: 1, path: "v/./u", pattern: false },
  ]);
});

Deno.test("COPY takes an escaped wildcard of JSON form for the character itself", async () => {
  const { sources } = await copyArgs('COPY ["a\\\\\\\\*b", "c?", "/d/"]');
  assertEquals(sources, [{ input: 1, path: "a\\*b", pattern: false }, { input: 1, path: "c?", pattern: true }]);
});

Deno.test("ADD never unpacks downloads when it is not asked to, also beside archives", async () => {
  const extract = async (instruction: string): Promise<Json | undefined> => (await copyArgs(instruction))["extract"];
  assertEquals(await extract("ADD https://example.com/a.tar /d/"), "never");
  assertEquals(await extract("ADD --unpack=true https://example.com/a.tar /d/"), "always");
  assertEquals(await extract("ADD a.tar https://example.com/a.tar /d/"), "auto");
});

Deno.test("COPY keeps passwords out of history and step names when a URL has one", async () => {
  const { graph } = await parseText("FROM scratch\nADD https://u:secret@example.com/x ssh://git:secret@h/r.git /d/\n");
  const shown = JSON.stringify([graph.history, graph.nodes.map((node) => node.type === "layer" ? node.name : "")]);
  assertEquals(shown.includes("secret"), false, shown);
});

Deno.test("COPY refuses a variable in --from and takes a dollar sign at the end as it is", async () => {
  const text = (from: string): string => `FROM scratch\nCOPY --from=${from} a /a\n`;
  assertEquals((await refusal(text("${X}"))).slice(0, 14), "PARSE_FAILED 2");
  assertEquals((await refusal(text("$X"))).slice(0, 14), "PARSE_FAILED 2");
});
