/** Build files that a plugin runs: what they give, and what becomes of hostile ones. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { failureOf } from "../../../tests/helpers/failure_of.ts";
import { openText, type SandboxedOptions } from "../../../tests/helpers/sandboxed_plugin.ts";
import { parseContext } from "../../conformance/parse_context.ts";
import type { ParseHook, SourceFile } from "../../contract/parse.ts";
import { sandboxPlace } from "../../engine_sandbox.ts";
import { isEngineError } from "../../errors.ts";

/** Gives what the file's default export makes of `tell`, which tells where it is called, as labels. */
const runner = `
  let runs = 0;
  export const permissions = { scripts: true };
  export default (host) => ({ name: "p", api: 1, parse: [{
    format: "script",
    matches: (file) => file.path.endsWith(".ts"),
    async parse(file, context) {
      const script = await host.runScript(file);
      const Labels = { runs: String(++runs), sees: String([1].includes(1)) };
      try {
        await script.exports.default((name) => { const { line, column, source } = script.here(); Labels[name] = line + ":" + column + " " + source; });
      } catch (error) {
        throw script.fault(error);
      }
      return { nodes: [{ type: "scratch" }], result: 0, platform: context.platform, config: { Labels }, history: [] };
    },
    async outline(file) {
      await host.runScript({ path: file.path, text: file.text + " " });
    },
  }] });`;

async function withHook(
  work: (hook: ParseHook) => Promise<void>,
  options: SandboxedOptions = {},
  text = runner,
): Promise<void> {
  await using opened = await openText(text, { permissions: { scripts: true }, ...options });
  const [hook] = opened.plugin.parse ?? [];
  assert(hook !== undefined);
  await work(hook);
}

function file(text: string): SourceFile {
  return { path: "app.ts", text };
}

const { kinds } = sandboxPlace({ pluginSandbox: undefined }, true);

for (const kind of kinds) {
  Deno.test(`a plugin runs a build file of TypeScript and is told the places of its calls: ${kind}`, async () => {
    const text = `import type { A } from "./types.ts";
      interface B { a: A }
      const b: B | undefined = undefined;
      export default (tell: (name: string) => void): void => {
        tell("first"); tell("second");
        if (b === undefined) return tell(
          "third");
      };`;
    await withHook(async (hook) => {
      const { config: { Labels } } = await hook.parse(file(text), parseContext());
      assertEquals(Labels, {
        runs: "1",
        sees: "true",
        first: '5:9         tell("first"); tell("second");',
        second: '5:24         tell("first"); tell("second");',
        third: "6:37         if (b === undefined) return tell(",
      });
    }, { kind });
  });

  Deno.test(`each parse has a sandbox of its own, so that a build file changes nothing for another: ${kind}`, async () => {
    const hostile = `export default () => { Array.prototype.includes = () => false; globalThis.build = 1; };`;
    const after = `export default (tell) => { if (globalThis.build !== undefined) tell("build"); };`;
    await withHook(async (hook) => {
      assert(await hook.matches(file(hostile)));
      await hook.parse(file(hostile), parseContext());
      for (const text of [after, hostile, after]) {
        const { config: { Labels } } = await hook.parse(file(text), parseContext());
        assertEquals(Labels, { runs: "1", sees: "true" });
      }
    }, { kind });
  });

  Deno.test(`a build file that oversteps, fails or is no program is PARSE_FAILED and named with its line: ${kind}`, async () => {
    const path = await Deno.makeTempFile();
    try {
      const cases: readonly (readonly [line: string, state: RegExp])[] = [
        [`Deno.readTextFileSync(${JSON.stringify(path)})`, /^it tried read access to /],
        [`await Deno.readTextFile(${JSON.stringify(path)})`, /^it tried read access to /],
        [`Deno.writeTextFileSync(${JSON.stringify(path)}, "")`, /^it tried write access to /],
        [`Deno.env.get("HOME")`, /^it tried env access to "HOME"$/],
        [`Deno.hostname()`, /^it tried sys access to "hostname"$/],
        [`await fetch("http://127.0.0.1:5000/")`, /^it tried net access to "127.0.0.1:5000"$/],
        [`await Deno.connect({ port: 1 })`, /^it tried net access to /],
        [`new Deno.Command("true").outputSync()`, /^it threw TypeError: /],
        [`eval("1")`, /^it threw EvalError: /],
        [`new Function("return 1")`, /^it threw EvalError: /],
        [`new Worker("data:text/javascript,1")`, /^it threw ReferenceError: Worker is not defined$/],
        [`Deno.exit(0)`, /^it threw TypeError: /],
        [`throw new RangeError("oops")`, /^it threw RangeError: oops$/],
        [`null.x`, /^it threw TypeError: Cannot read properties of null/],
        [`const a: = 1`, /^it is no program: /],
        [`foo bar`, /^it is no program: /],
        [`await import("node:fs")`, /^it has the import of "node:fs", expected none$/],
        [`await import("npm:ms@2.1.3")`, /^it has the import of "npm:ms@2.1.3", expected none$/],
        [`await import("./other.ts")`, /^it has the import of ".\/other.ts", expected none$/],
        [`await import("x" + 1)`, /^it has an import that is computed, expected none$/],
        [`await im\\u0070ort("x")`, /^it has an import that is written with escapes, expected none$/],
        [`const x = 1; import y from "node:os"`, /^it has the import of "node:os", expected none$/],
      ];
      await withHook(async (hook) => {
        for (const [line, state] of cases) {
          // One line in the module itself, one in what it exports.
          const inside = `// a\nexport default async () => {\n  ${line};\n};\n`;
          for (const text of [`// a\n\n${line};\nexport default () => {};\n`, inside]) {
            const error = await failureOf(() => hook.parse(file(text), parseContext()));
            const { line: at, file: name, source } = { ...Object(error.detail.range) };
            assertEquals(
              [error.code, name, at, source],
              ["PARSE_FAILED", "app.ts", 3, text.split("\n")[2]],
              error.message,
            );
            const [head, tail] = error.message.split(/(?<=^Cannot run build script "app\.ts"): /);
            assertEquals(head, 'Cannot run build script "app.ts"', error.message);
            assertMatch(tail ?? "", state);
          }
        }
      }, { kind });
    } finally {
      await Deno.remove(path);
    }
  });
}

for (const kind of kinds.filter((kind) => kind !== "worker")) {
  Deno.test(`a build file that never ends is ended, and named with the plugin: ${kind}`, async () => {
    await withHook(async (hook) => {
      for (const line of ["while (true);", "await new Promise(() => {});"]) {
        const text = `export default async () => { ${line} };`;
        const error = await failureOf(() => hook.parse(file(text), parseContext()));
        assertEquals(error.code, "PLUGIN_FAILED");
        assertMatch(error.message, /^Cannot use parse\.parse of plugin "p" on "app\.ts": it did not answer for /);
      }
      await hook.parse(file("export default () => {};"), parseContext());
    }, { kind, timeoutSeconds: 1 });
  });
}

Deno.test("a plugin runs the build file that it is asked to read, and no other text", async () => {
  await withHook(async (hook) => {
    const error = await failureOf(() => hook.outline(file("export default () => {};"), parseContext()));
    assertEquals(error.code, "INVALID_ARGUMENT");
    assertStringIncludes(error.message, "it is not the file that is being read");
  });
});

Deno.test("a plugin that may run no build files is told so", async () => {
  await withHook(
    async (hook) => {
      const error = await failureOf(() => hook.parse(file("export default () => {};"), parseContext()));
      assertEquals(error.code, "UNSUPPORTED");
      assertStringIncludes(error.message, "the plugin may run none");
    },
    { permissions: {} },
  );
});

Deno.test("a plugin that runs build files is given nothing else, and has parse hooks only", async () => {
  const open = (text: string, options: SandboxedOptions): Promise<void> =>
    withHook(() => Promise.resolve(), options, text);
  const given = await failureOf(() => open(runner, { permissions: { scripts: true, net: ["a"], read: [] } }));
  assertEquals([given.code, /"net"/.test(given.message)], ["UNSUPPORTED", true]);
  const layered = runner.replace("parse: [", 'layer: [{ kinds: ["x.y"] }], parse: [');
  const other = await failureOf(() => open(layered, {}));
  assertEquals(other.code, "PLUGIN_FAILED");
  assertStringIncludes(other.message, "parse hooks only");
});

Deno.test("a plugin cannot change the build file that it runs, nor how it is told to be read", async () => {
  const tampering = `const { parse } = JSON;
    URL.createObjectURL = () => "data:text/javascript,export default () => { throw new Error('changed') }";
    globalThis.Blob = class {};
    JSON.parse = (text) => parse(text.replaceAll("export default", "throw new Error('changed');export default"));` +
    runner;
  await withHook(
    async (hook) => {
      const error = await hook.parse(file(`export default (tell) => { tell("run"); };`), parseContext()).then(
        ({ config }) => config.Labels?.["run"],
        (error) => isEngineError(error) ? error.message : error,
      );
      assertMatch(String(error), /^1:28 |it is not the file that is being read/);
    },
    {},
    tampering,
  );
});
