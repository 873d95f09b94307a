/** Texts of a build script reach the graph as they are, whatever is in them. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { BuildGraph, PluginHost, Script, SourceRange } from "../../core/contract/mod.ts";
import buildScript, { type Define, type Image, type Tools } from "../../examples/plugins/build_script.ts";
import { dockerfileHook } from "../helpers/graph_case.ts";
import { parseContext } from "../helpers/parse_context.ts";
import { createTestHost } from "../helpers/test_host.ts";

const at: SourceRange = { file: "strata.ts", line: 1, endLine: 1 };

/** The graph of a script that is a function of this process, which no sandbox is needed for. */
async function graphOf(define: Define): Promise<BuildGraph> {
  const runScript = (): Promise<Script> =>
    Promise.resolve({
      exports: { default: build(define) },
      here: () => at,
      fault: (error) => {
        throw error;
      },
    });
  const host: PluginHost = createTestHost({}, { runScript });
  const [hook] = (await buildScript(host)).parse ?? [];
  assert(hook !== undefined);
  const dockerfile = await dockerfileHook();
  return await hook.parse(
    { path: "strata.ts", text: "" },
    parseContext({ images: { base: {} }, formats: () => Promise.resolve(dockerfile) }),
  );
}

const characters = [
  "a",
  "Z",
  "1",
  " ",
  "\t",
  "$",
  "{",
  "}",
  "\\",
  '"',
  "'",
  "`",
  "<",
  "<<EOF",
  "#",
  "=",
  "[",
  "]",
  "*",
  ":",
  "é",
  "😀",
  "/",
];
/** Any text of one line. */
const line = fc.oneof(
  fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength: 8 }).map((parts) => parts.join("")),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => !/[\n\r\0]/.test(text)),
);
const lines = fc.array(line, { minLength: 1, maxLength: 4 }).map((all) => all.join("\n"));
const seen = { seed: 20_250_401, numRuns: 150 };

async function argsOf(define: (tools: Tools) => Image): Promise<Readonly<Record<string, unknown>>> {
  const { nodes, result } = await graphOf(define);
  const node = nodes[result];
  assert(node?.type === "layer");
  return node.op.args;
}

Deno.test("a build script's values of ENV and LABEL, its commands and its paths come as they are", async () => {
  await fc.assert(
    fc.asyncProperty(line, line, line, async (value, key, path) => {
      const { config } = await graphOf(({ from }) =>
        from("base").env("A", value).env({ B: value, C: "" }).label(`k${key.replaceAll("=", "-")}`, value).user(
          `u${value}`,
        ).volume(
          `/${path}/v`,
        )
          .entrypoint([value]).cmd([key, value])
      );
      assertEquals(config.Env?.filter((each) => !each.startsWith("PATH=")), [`A=${value}`, `B=${value}`, "C="]);
      assertEquals(config.Labels, { [`k${key.replaceAll("=", "-")}`]: value });
      assertEquals(config.User, `u${value}`);
      assertEquals(config.Volumes, { [`/${path}/v`]: {} });
      assertEquals([config.Entrypoint, config.Cmd], [[value], [key, value]]);
    }),
    seen,
  );
});

Deno.test("a build script's sources and destinations of COPY come as they are", async () => {
  await fc.assert(
    fc.asyncProperty(line, line, async (source, dest) => {
      const args = await argsOf(({ from }) => from("base").copy([`s${source}`, "other"], `/d${dest}/`));
      const known = await argsOf(({ from }) => from("base").copy(["sx", "other"], "/dx/"));
      const normal = (path: string): string => path.replace(/\/+(?:\.(?=\/|$)\/*)*/g, "/");
      const sources = [...Object(args["sources"])].map(({ path }) => path);
      if (/(?:^|\/)\.\.?(?:\/|$)|\/$|\/\//.test(`s${source}`) || /(?:^|\/)\.\.?(?:\/|$)|\/\//.test(`/d${dest}/`)) {
        return;
      }
      assertEquals(sources, [`s${source}`, "other"]);
      assertEquals(args["dest"], normal(`/d${dest}/`));
      assertEquals(Object.keys(args), Object.keys(known));
    }),
    seen,
  );
});

Deno.test("a build script's commands for the shell come as they are, on one line or several, and its files too", async () => {
  await fc.assert(
    fc.asyncProperty(lines, async (text) => {
      const command = `x ${text} y`;
      const args = await argsOf(({ from }) => from("base").run(command));
      const given = Object(args["args"]);
      assertEquals(given.slice(0, 2), ["/bin/sh", "-c"]);
      const trimmed = command.split("\n").map((each, i, all) => i === all.length - 1 ? each.trimEnd() : each).join(
        "\n",
      );
      const indents = trimmed.split("\n").filter((each) => each.trim() !== "").map((each) =>
        /^[ \t]*/.exec(each)?.[0].length ?? 0
      );
      assertEquals(Math.min(...indents), 0);
      assertEquals(given[2].replace(/\n$/, ""), trimmed);

      const file = await argsOf(({ from }) => from("base").file("/etc/x", text));
      assertEquals(Object(file["sources"])[0].text, `${text}\n`);
      assertEquals(file["dest"], "/etc/x");
    }),
    seen,
  );
});

Deno.test("a build script's words in a command are one word each for the shell", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 3 }), async (words) => {
      const args = await argsOf(({ from }) => from("base").run`printf '%s\\0' ${words}`);
      const [program = "", ...rest] = Object(args["args"]);
      const { stdout } = await new Deno.Command(program, { args: rest }).output();
      assertEquals(
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout),
        words.map((word) => `${word}\0`).join(""),
      );
    }),
    { ...seen, numRuns: 60 },
  );
});
