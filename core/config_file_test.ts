import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseConfig } from "./config_file.ts";
import { EngineError } from "./errors.ts";

const path = "/etc/strata/config.json";
const sha256 = "a".repeat(64);

function parse(value: unknown): unknown {
  return parseConfig(JSON.stringify(value), path);
}

Deno.test("parseConfig() gives every value when all are set", () => {
  const permissions = { read: ["/data"], net: true, env: false };
  const plugin = { name: "x", path: "/p/x.ts", sha256, options: { a: 1 }, permissions, trusted: true };
  const values = {
    root: "/data/strata",
    store: "local",
    platform: "linux/arm64",
    progress: "plain",
    noColor: true,
    dockerConfig: "/d",
    pluginOptions: { "store-local": { a: [1] } },
  };
  const { trusted, ...kept } = plugin;
  assertEquals(parse({ ...values, plugins: [plugin] }), { ...values, plugins: [{ ...kept, isTrusted: trusted }] });
  assertEquals(parse({}), {});
});

Deno.test("parseConfig() fills in what a plugin leaves out", () => {
  const plugin = { name: "my-plugin", path: "/etc/strata/p/my-plugin.ts", sha256, options: {} };
  assertEquals(parse({ plugins: [{ path: "./p/my-plugin.ts", sha256 }] }), {
    plugins: [{ ...plugin, permissions: undefined, isTrusted: false }],
  });
});

Deno.test("parseConfig() counts relative paths from the file", () => {
  assertEquals(parse({ root: "data", dockerConfig: "./d" }), {
    root: "/etc/strata/data",
    dockerConfig: "/etc/strata/d",
  });
});

const wrong: readonly [unknown, string][] = [
  [[], `Cannot use config file "${path}": it is a list, expected an object`],
  ["x", "it is a text"],
  [null, "it is null"],
  [{ rot: "/x" }, `Cannot use key "rot" of config file "${path}": unknown`],
  [{ root: 5 }, `Cannot use key "root" of config file "${path}": it is a number`],
  [{ root: "" }, "it is an empty text"],
  [{ root: null }, "it is null"],
  [{ noColor: "yes" }, 'key "noColor"'],
  [{ progress: "loud" }, "expected one of auto, tty, plain, quiet, rawjson"],
  [{ plugins: {} }, "expected a list"],
  [{ plugins: ["x"] }, 'key "plugins[0]"'],
  [{ plugins: [{ sha256 }] }, 'key "plugins[0].path" of'],
  [{ plugins: [{ path: "/x.ts" }] }, 'key "plugins[0].sha256" of'],
  [{ plugins: [{ path: "/x.ts", sha256: "abc" }] }, "64 lower-case hex digits"],
  [{ plugins: [{ path: "/x.ts", sha256, trusted: 1 }] }, 'key "plugins[0].trusted"'],
  [{ plugins: [{ path: "/x.ts", sha256, sha: "" }] }, 'key "plugins[0].sha" of'],
  [{ plugins: [{ path: "/x.ts", sha256, permissions: { fly: true } }] }, 'key "plugins[0].permissions.fly"'],
  [{ plugins: [{ path: "/x.ts", sha256, permissions: { net: [1] } }] }, 'key "plugins[0].permissions.net[0]"'],
  [{ plugins: [{ path: "/x.ts", sha256, permissions: { net: "all" } }] }, "true, false or a list"],
  [{ pluginOptions: { x: 1 } }, 'key "pluginOptions.x"'],
  [JSON.parse('{"__proto__": {}}'), 'key "__proto__"'],
];
for (const [value, text] of wrong) {
  Deno.test(`parseConfig() names the key when the file says ${JSON.stringify(value)}`, () => {
    const error = assertThrows(() => parse(value), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT");
    assertStringIncludes(error.message, text);
  });
}

Deno.test("parseConfig() names the file when it is not JSON", () => {
  const error = assertThrows(() => parseConfig("{", path), EngineError);
  assertEquals(error.code, "INVALID_ARGUMENT");
  assertStringIncludes(error.message, path);
});

Deno.test("parseConfig() tells no value of the file", () => {
  const error = assertThrows(() => parse({ noColor: "hunter2" }), EngineError);
  assertEquals(error.message.includes("hunter2"), false);
});
