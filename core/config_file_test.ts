import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseConfig } from "./config_file.ts";
import { EngineError } from "./errors.ts";

const file = "/etc/strata/config.json";
const sha256 = "a".repeat(64);

function parse(value: unknown): unknown {
  return parseConfig(JSON.stringify(value), file);
}

Deno.test("parseConfig() gives every value when all are set", () => {
  const permissions = { read: ["/data"], net: true, env: false };
  const limits = { timeoutSeconds: 5, startSeconds: 0.5 };
  const hooks = { parse: ["list"] };
  const plugin = {
    name: "x",
    path: "/p/x.ts",
    sha256,
    options: { a: 1 },
    packages: { "a@1.2.3": sha256 },
    hooks,
    permissions,
    trusted: true,
    ...limits,
  };
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
  const plugin = {
    name: "my-plugin",
    path: "/etc/strata/p/my-plugin.ts",
    sha256,
    options: {},
    packages: {},
    isTrusted: false,
  };
  const open = { permissions: undefined, hooks: undefined, timeoutSeconds: undefined, startSeconds: undefined };
  assertEquals(parse({ plugins: [{ path: "./p/my-plugin.ts", sha256 }] }), { plugins: [{ ...plugin, ...open }] });
});

Deno.test("parseConfig() takes packages of npm with an exact version, and counts paths of permissions from the file", () => {
  for (const path of ["npm:x@1.2.3", "npm:@a/b.c@1.0.0-rc.1"]) {
    const [plugin] = parseConfig(JSON.stringify({ plugins: [{ name: "x", path, sha256 }] }), file).plugins ?? [];
    assertEquals(plugin?.path, path);
  }
  const permissions = { read: ["data", "/etc"], write: ["./out"], net: ["host:80"], sys: ["hostname"] };
  const [plugin] = parseConfig(JSON.stringify({ plugins: [{ path: "/x.ts", sha256, permissions }] }), file).plugins ??
    [];
  assertEquals(plugin?.permissions, {
    ...permissions,
    read: ["/etc/strata/data", "/etc"],
    write: ["/etc/strata/out"],
  });
});

Deno.test("parseConfig() counts relative paths from the file", () => {
  assertEquals(parse({ root: "data", dockerConfig: "./d" }), {
    root: "/etc/strata/data",
    dockerConfig: "/etc/strata/d",
  });
});

const wrong: readonly [unknown, string][] = [
  [[], `Cannot use config file "${file}": it is a list, expected an object`],
  ["x", "it is a text"],
  [null, "it is null"],
  [{ rot: "/x" }, `Cannot use key "rot" of config file "${file}": unknown`],
  [{ root: 5 }, `Cannot use key "root" of config file "${file}": it is a number`],
  [{ root: "" }, "it is an empty text"],
  [{ root: null }, "it is null"],
  [{ noColor: "yes" }, 'key "noColor"'],
  [{ progress: "loud" }, "expected one of auto, tty, plain, quiet, rawjson"],
  [{ plugins: {} }, "expected a list"],
  [{ plugins: ["x"] }, 'key "plugins[0]"'],
  [{ plugins: [{ path: "/x", sha256, packages: { a: "b" } }] }, 'key "plugins[0].packages.a"'],
  [{ plugins: [{ sha256 }] }, 'key "plugins[0].path" of'],
  [{ plugins: [{ path: "/x.ts" }] }, 'key "plugins[0].sha256" of'],
  [{ plugins: [{ path: "/x.ts", sha256: "abc" }] }, "64 lower-case hex digits"],
  [{ plugins: [{ path: "/x.ts", sha256, trusted: 1 }] }, 'key "plugins[0].trusted"'],
  [{ plugins: [{ path: "/x.ts", sha256, sha: "" }] }, 'key "plugins[0].sha" of'],
  [{ plugins: [{ path: "/x.ts", sha256, permissions: { fly: true } }] }, 'key "plugins[0].permissions.fly"'],
  [{ plugins: [{ path: "/x.ts", sha256, permissions: { run: true } }] }, 'key "plugins[0].permissions.run"'],
  [{ plugins: [{ path: "npm:x", sha256 }] }, "npm:NAME@VERSION with an exact version"],
  [{ plugins: [{ path: "npm:x@^1.2.3", sha256 }] }, "npm:NAME@VERSION with an exact version"],
  [{ plugins: [{ path: "npm:../x@1.2.3", sha256 }] }, "npm:NAME@VERSION with an exact version"],
  [{ plugins: [{ path: "/x.ts", sha256, hooks: { fly: ["x"] } }] }, 'key "plugins[0].hooks.fly"'],
  [{ plugins: [{ path: "/x.ts", sha256, timeoutSeconds: 0 }] }, "a number above 0"],
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
  const error = assertThrows(() => parseConfig("{", file), EngineError);
  assertEquals(error.code, "INVALID_ARGUMENT");
  assertStringIncludes(error.message, file);
});

Deno.test("parseConfig() tells no value of the file", () => {
  const error = assertThrows(() => parse({ noColor: "hunter2" }), EngineError);
  assertEquals(error.message.includes("hunter2"), false);
});
