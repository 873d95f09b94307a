import { assertEquals, assertStringIncludes } from "@std/assert";
import { failureOf } from "../../tests/helpers/failure_of.ts";
import type { Plugin, PluginFactory } from "../contract/plugin.ts";
import type { ErrorCode } from "../errors.ts";
import type { PluginEntry, Provides } from "./plugin_entry.ts";
import { createHost, type Host } from "./registry.ts";

const credential = (): Promise<undefined> => Promise.resolve(undefined);

/** A plugin with hooks that do nothing, under the given keys. */
function plugin(name: string, provides: Provides): Plugin {
  return {
    name,
    api: 1,
    parse: (provides.parse ?? []).map((format) => ({
      format,
      matches: (file) => file.path.endsWith(`.${format}`),
      parse: () => Promise.reject(new DOMException("unused")),
      outline: () => Promise.reject(new DOMException("unused")),
    })),
    layer: [{
      kinds: provides.layer ?? [],
      contentKey: () => Promise.resolve(undefined),
      async *build(): AsyncGenerator<never> {},
    }],
  };
}

function entry(name: string, provides: Provides, loaded: string[] = []): PluginEntry {
  return {
    name,
    provides,
    load: () => {
      loaded.push(name);
      return Promise.resolve({ default: () => plugin(name, provides) });
    },
  };
}

function undeclared(name: string, factory: PluginFactory): PluginEntry {
  return { name, load: () => Promise.resolve({ default: factory }) };
}

function open(...plugins: PluginEntry[]): Promise<Host> {
  return createHost(plugins, { credential });
}

Deno.test("createHost() loads no plugin before it is needed, and each once", async () => {
  const loaded: string[] = [];
  const host = await open(
    entry("a", { layer: ["copy", "mkdir"] }, loaded),
    entry("b", { parse: ["x"], layer: ["fetch"] }, loaded),
  );
  assertEquals(loaded, []);
  assertEquals((await host.layer("mkdir")).kinds, ["copy", "mkdir"]);
  await Promise.all([host.layer("copy"), host.layer("mkdir")]);
  assertEquals(loaded, ["a"]);
  assertEquals(host.plugins.map(({ name }) => name), ["a", "b"]);
  assertEquals(host.plugins[1]?.provides, { parse: ["x"], layer: ["fetch"], store: [], transport: [] });
});

Deno.test("withLogins() makes plugins anew with other logins, but for those that there is something to close of", async () => {
  const asked: string[] = [];
  let closed = 0;
  const asking = (name: string): PluginEntry => ({
    name,
    provides: { layer: [name] },
    load: () =>
      Promise.resolve({
        default: async (host) => {
          const call = { signal: new AbortController().signal, emit: () => {} };
          asked.push(`${name} ${(await host.credential("quay.io", call))?.username}`);
          return plugin(name, { layer: [name] });
        },
      }),
  });
  const host = await createHost([asking("own"), { ...asking("file"), close: () => Promise.resolve(void closed++) }], {
    credential: () => Promise.resolve({ username: "host", secret: "" }),
  });
  const others = await host.withLogins(() => Promise.resolve({ username: "other", secret: "" }));
  const third = await others.withLogins(() => Promise.resolve({ username: "third", secret: "" }));
  for (const each of [host, others, third]) for (const kind of ["own", "file"]) await each.layer(kind);
  assertEquals(asked.toSorted(), ["file host", "own host", "own other", "own third"]);
  await third[Symbol.asyncDispose]();
  await others[Symbol.asyncDispose]();
  assertEquals(closed, 0);
  await host[Symbol.asyncDispose]();
  assertEquals(closed, 1);
});

Deno.test("createHost() gives plugins another identity when name, file or config differ", async () => {
  const layer = { layer: ["x"] };
  const identities = await Promise.all(
    [
      entry("a", layer),
      entry("b", layer),
      { ...entry("a", layer), sha256: "0".repeat(64) },
      { ...entry("a", layer), sha256: "1".repeat(64) },
      { ...entry("a", layer), sha256: "1".repeat(64), config: { x: 1, y: 1 } },
      { ...entry("a", layer), sha256: "1".repeat(64), config: { x: 1, y: 2 } },
    ].map(async (each) => (await open(each)).plugins[0]?.identity),
  );
  assertEquals(new Set(identities).size, identities.length);
  const other = await open({ ...entry("a", layer), sha256: "1".repeat(64), config: { y: 1, x: 1 } });
  assertEquals(other.plugins[0]?.identity, identities[4]);
});

Deno.test("createHost() names both owners when two plugins own a key", async () => {
  const error = await failureOf(() => open(entry("a", { layer: ["copy"] }), entry("b", { layer: ["copy"] })));
  assertEquals(error.code, "CONFLICT");
  assertEquals(error.message, 'Cannot use operation kind "copy": plugins "a" and "b" both own it');
});

Deno.test("createHost() finds a conflict with a plugin that does not say what it offers", async () => {
  const other = undeclared("b", () => plugin("b", { layer: ["copy"] }));
  assertEquals((await failureOf(() => open(entry("a", { layer: ["copy"] }), other))).code, "CONFLICT");
});

Deno.test("createHost() rejects when two plugins have one name", async () => {
  assertEquals((await failureOf(() => open(entry("a", {}), entry("a", {})))).code, "CONFLICT");
});

Deno.test("Host rejects and tells what is known when nothing owns the key", async () => {
  const host = await open(entry("a", { layer: ["copy"], parse: ["x"] }));
  const unknown = await failureOf(() => host.layer("vendor.x"));
  assertEquals([unknown.code, unknown.detail.known], ["UNSUPPORTED", ["copy"]]);
  const run = await failureOf(() => host.layer("run"));
  assertStringIncludes(run.hint ?? "", "RUN");
  assertEquals((await failureOf(() => host.store("none"))).code, "UNSUPPORTED");
  assertEquals((await failureOf(() => host.transport("none"))).code, "UNSUPPORTED");
  assertEquals((await failureOf(() => host.parser({ path: "f.y", text: "" }))).code, "UNSUPPORTED");
});

Deno.test("parser() gives the first hook that takes the file", async () => {
  const host = await open(entry("a", { parse: ["x"] }), entry("b", { parse: ["y", "z"] }));
  assertEquals((await host.parser({ path: "f.z", text: "" })).format, "z");
});

const broken: readonly [string, () => unknown, ErrorCode, string][] = [
  ["is of another contract version", () => ({ name: "a", api: 2 }), "UNSUPPORTED", "contract version 2, expected 1"],
  ["has no contract version", () => ({ name: "a" }), "UNSUPPORTED", "contract version nothing"],
  ["has another name", () => ({ name: "b", api: 1 }), "PLUGIN_FAILED", '"b"'],
  ["has no proper name", () => ({ name: "A b", api: 1 }), "PLUGIN_FAILED", "kebab-case"],
  ["is nothing", () => undefined, "PLUGIN_FAILED", "no plugin"],
  ["has hooks that are no list", () => ({ name: "a", api: 1, layer: {} }), "PLUGIN_FAILED", "list of hooks"],
  ["has a hook without keys", () => ({ name: "a", api: 1, layer: [{}] }), "PLUGIN_FAILED", "kinds"],
  ["throws", () => JSON.parse("{"), "PLUGIN_FAILED", "JSON"],
];
for (const [how, make, code, text] of broken) {
  Deno.test(`createHost() rejects when a plugin ${how}`, async () => {
    // What a stranger's file gives has no type.
    const error = await failureOf(() => open(undeclared("a", make as PluginFactory)));
    assertEquals(error.code, code);
    assertStringIncludes(error.message, text);
    assertStringIncludes(error.message, '"a"');
  });
}

Deno.test("Host rejects when a plugin does not offer what it said", async () => {
  const lying = { ...entry("a", { layer: ["copy"] }), provides: { layer: ["copy", "move"] } };
  const host = await open(lying);
  assertEquals((await failureOf(() => host.layer("copy"))).code, "PLUGIN_FAILED");
});

Deno.test("Host rejects when a plugin's module cannot be loaded", async () => {
  const host = await open({ name: "a", provides: { store: ["x"] }, load: () => Promise.reject(new TypeError("gone")) });
  const error = await failureOf(() => host.store("x"));
  assertEquals(error.code, "PLUGIN_FAILED");
  assertStringIncludes(error.message, "gone");
});
