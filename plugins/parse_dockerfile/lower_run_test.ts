import { assertEquals } from "@std/assert";
import type { Json } from "../../core/contract/mod.ts";
import { parseText, refusal } from "../../tests/helpers/graph_case.ts";

async function runArgs(text: string): Promise<Readonly<Record<string, Json>>> {
  const { graph } = await parseText(`FROM scratch\n${text}\n`);
  const node = graph.nodes[graph.result];
  return node?.type === "layer" ? node.op.args : {};
}

Deno.test("RUN never expands its text nor its heredocs", async () => {
  assertEquals((await runArgs("ARG A=1\nRUN echo $A '$A'"))["args"], ["/bin/sh", "-c", "echo $A '$A'"]);
  assertEquals((await runArgs("ARG A=1\nRUN <<EOF\necho $A \\$A\nEOF"))["args"], ["/bin/sh", "-c", "echo $A \\$A\n"]);
});

Deno.test("RUN hands several heredocs to the shell and runs a sole one itself", async () => {
  assertEquals((await runArgs("RUN cat <<a\nx\na"))["args"], ["/bin/sh", "-c", "cat <<a\nx\na"]);
  assertEquals((await runArgs("RUN 3<<a\nx\na"))["args"], ["/bin/sh", "-c", "x\n"]);
  assertEquals((await runArgs("RUN <<a cat\nx\na"))["args"], ["/bin/sh", "-c", "<<a cat\nx\na"]);
});

Deno.test("RUN reads devices with and without required", async () => {
  const { devices } = await runArgs("RUN --device=a/b=c --device=name=d/e,required=true --device=f,required x");
  assertEquals(devices, [
    { name: "a/b=c", required: false },
    { name: "d/e", required: true },
    { name: "f", required: true },
  ]);
});

Deno.test("RUN refuses devices and modes that it cannot read", async () => {
  for (
    const flags of [
      "--device=a,b",
      "--device=name=a,name=b",
      "--device=a,required=maybe",
      "--security=none",
      "--network=x",
    ]
  ) {
    assertEquals((await refusal(`FROM scratch\nRUN ${flags} x\n`)).slice(0, 14), "PARSE_FAILED 2", flags);
  }
});
