import { assertEquals } from "@std/assert";
import { isEngineError } from "../../core/errors.ts";
import { dockerfileHook, parseText, refusal } from "../../tests/helpers/graph_case.ts";
import { parseContext } from "../../tests/helpers/parse_context.ts";

Deno.test("parse() names steps by stage, number and ONBUILD for people to follow", async () => {
  const { graph } = await parseText("FROM app AS x\nWORKDIR /a\nENV A=1\nCOPY . .\n", {
    images: { app: { config: { OnBuild: ["RUN t"] } } },
  });
  assertEquals(graph.nodes.flatMap((node) => node.type === "layer" ? [node.name] : []), [
    "[x 1/3] ONBUILD RUN t",
    "[x 2/3] WORKDIR /a",
    "[x 3/3] COPY . .",
  ]);
});

Deno.test("parse() points at FROM when a trigger of the base image cannot be run", async () => {
  const images = { app: { config: { OnBuild: ["COPY --from=9 a /a"] } } };
  assertEquals(
    await refusal("FROM scratch AS s\n\nFROM app\n", { images }),
    'PARSE_FAILED 3: Cannot find stage number "9": the last one is 1',
  );
});

Deno.test("parse() stops with CANCELED when the build is canceled while a base image is looked up", async () => {
  const controller = new AbortController();
  const context = parseContext({ images: { app: {} } }, controller.signal);
  const hook = await dockerfileHook();
  const canceling = {
    ...context,
    base: (...wanted: Parameters<typeof context.base>) => (controller.abort(), context.base(...wanted)),
  };
  const error: unknown = await hook.parse({ path: "f", text: "FROM app\nENV A=1\n" }, canceling).catch((error) =>
    error
  );
  assertEquals(isEngineError(error) ? error.code : error, "CANCELED");
});
