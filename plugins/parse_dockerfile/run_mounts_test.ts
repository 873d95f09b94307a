import { assertEquals } from "@std/assert";
import type { Json } from "../../core/contract/mod.ts";
import { parseText, refusal } from "../../tests/helpers/graph_case.ts";

async function mountsOf(flags: string, before = ""): Promise<Json | undefined> {
  const { graph } = await parseText(`FROM scratch AS s\nFROM scratch\n${before}RUN ${flags} x\n`);
  const node = graph.nodes[graph.result];
  return node?.type === "layer" ? node.op.args["mounts"] : undefined;
}

Deno.test("RUN --mount replaces variables when they are values, types included", async () => {
  const mounts = await mountsOf("--mount=type=$T,target=$D/t,size=${S}k", "ARG T=tmpfs D=/d S=2\n");
  assertEquals(mounts, [{ type: "tmpfs", target: "/d/t", size: 2048, readonly: false }]);
});

Deno.test("RUN --mount joins relative targets to the working directory and keeps them below the root", async () => {
  const mounts = await mountsOf("--mount=target=../../../etc --mount=type=secret,id=a,target=b", "WORKDIR /w\n");
  assertEquals(JSON.parse(JSON.stringify(mounts)).map((mount: { target: string }) => mount.target), ["/etc", "/w/b"]);
});

Deno.test("RUN --mount reads from below the root of its source only", async () => {
  const mounts = await mountsOf("--mount=from=s,source=../../etc,target=/x");
  assertEquals(mounts, [{ type: "bind", target: "/x", input: 1, source: "etc", readonly: true }]);
});

Deno.test("RUN --mount refuses what a type does not take", async () => {
  const refused = async (mount: string): Promise<string> =>
    (await refusal(`FROM scratch\nARG T=ssh U=tmpfs\nRUN --mount=${mount} x\n`)).slice(0, 14);
  for (
    const mount of [
      "type=tmpfs,target=/x,from=s",
      "type=$T,source=x",
      "type=$T,from=x",
      "type=$U,target=/x,mode=700",
      "type=cache,target=/",
      "type=bind,target=/x/..",
      "type=cache,target=/x,uid=$T",
    ]
  ) assertEquals(await refused(mount), "PARSE_FAILED 3", mount);
});
