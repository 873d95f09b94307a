import { assertEquals } from "@std/assert";
import { failureOf } from "../../tests/helpers/failure_of.ts";
import { dockerfileHook } from "../../tests/helpers/graph_case.ts";
import { parseContext } from "../conformance/parse_context.ts";
import type { DerivedFile, ParseHook } from "../contract/parse.ts";
import { EngineError } from "../errors.ts";

/** Line 2 was written by a plugin for a line that says `MAKE`, line 3 stands in another file, line 4 is as it was. */
function derived(lines: readonly [string, string, string, string]): DerivedFile {
  const at = (file: string, line: number, source: string) => ({ file, line, endLine: line, source });
  return {
    path: "app.x",
    text: lines.join("\n"),
    origins: [
      at("app.x", 1, lines[0]),
      { ...at("app.x", 2, "MAKE"), column: 1, endColumn: 5 },
      at("part.x", 7, lines[2]),
      at("app.x", 3, lines[3]),
    ],
  };
}

async function context(): Promise<ReturnType<typeof parseContext>> {
  const hook = await dockerfileHook();
  return parseContext({
    formats: (format) =>
      format === hook.format ? Promise.resolve(hook) : Promise.reject(new EngineError("UNSUPPORTED", "no such format")),
  });
}

Deno.test("parseAs() gives the steps with the places that their lines come from", async () => {
  const file = derived(["FROM scratch", "WORKDIR /a", "WORKDIR /b", "COPY a \\\n  /"]);
  const { nodes } = await (await context()).parseAs("dockerfile", file);
  const places = nodes.flatMap((node) => node.type === "layer" && node.at !== undefined ? [node.at] : []);
  assertEquals(places.map(({ file, line, endLine, column }) => [file, line, endLine, column]), [
    ["app.x", 2, 2, 1],
    ["part.x", 7, 7, undefined],
    ["app.x", 3, 3, undefined],
  ]);
});

Deno.test("parseAs() and outlineAs() reject and warn at the places that lines come from", async () => {
  const given = await context();
  for (const call of ["parseAs", "outlineAs"] as const) {
    const { code, detail } = await failureOf(() =>
      given[call]("dockerfile", derived(["FROM scratch", "WORKDIR /a", "RUN --nope x", "USER a"]))
    );
    const { file, line, column, source } = { ...Object(detail.range) };
    assertEquals([code, file, line, column, source], ["PARSE_FAILED", "part.x", 7, 5, "RUN --nope x"]);
  }
  const written = await failureOf(() =>
    given.parseAs("dockerfile", derived(["FROM scratch", "RUN --nope x", "USER a", "USER b"]))
  );
  assertEquals(written.detail.range, { file: "app.x", line: 2, endLine: 2, column: 1, endColumn: 5, source: "MAKE" });

  const doubtful = derived(["FROM scratch", "user a", "USER b", "USER c"]);
  const { checks } = await given.outlineAs("dockerfile", doubtful);
  assertEquals(checks.map(({ rule, at }) => [rule, at.file, at.line, at.source]), [
    ["ConsistentInstructionCasing", "app.x", 2, "MAKE"],
  ]);
  await given.parseAs("dockerfile", doubtful);
  const warnings = given.events.flatMap((event) => event.type === "warning" ? [event.at?.source] : []);
  assertEquals(warnings, ["MAKE"]);
});

Deno.test("parseAs() gives a file the build arguments that it is to have", async () => {
  const file = derived(["ARG A=1", "FROM scratch", "ARG A", "USER $A"]);
  const given = await context();
  assertEquals((await given.parseAs("dockerfile", { ...file, args: { A: "2" } })).config.User, "2");
  assertEquals((await given.parseAs("dockerfile", file)).config.User, "1");
});

Deno.test("parseAs() ends formats that hand a file on to themselves, and rejects for one that is not there", async () => {
  const hook: ParseHook = {
    format: "x",
    matches: () => true,
    parse: (file, context) => context.parseAs("x", { ...file, origins: [] }),
    outline: (file, context) => context.outlineAs("x", { ...file, origins: [] }),
  };
  const given = parseContext({ formats: () => Promise.resolve(hook) });
  const endless = await failureOf(() => given.parseAs("x", derived(["", "", "", ""])));
  assertEquals([endless.code, endless.message], [
    "INVALID_ARGUMENT",
    'Cannot read "app.x" as x: formats hand it on without end',
  ]);
  const absent = await failureOf(async () => (await context()).parseAs("y", derived(["", "", "", ""])));
  assertEquals(absent.code, "UNSUPPORTED");
});
