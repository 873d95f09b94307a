import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Config, loadConfig, parseProgress } from "./config.ts";
import { EngineError } from "./errors.ts";

function load(variables: Readonly<Record<string, string>>, overrides: Partial<Config> = {}): Config {
  return loadConfig(overrides, (name) => variables[name]);
}

Deno.test("loadConfig() gives defaults when nothing is set", () => {
  const config = load({ HOME: "/nowhere/home" });
  assertEquals(config, {
    file: "/nowhere/home/.config/strata/config.json",
    root: "/nowhere/home/.local/share/strata",
    store: "local",
    platform: undefined,
    progress: "auto",
    noColor: false,
    sourceDateEpoch: undefined,
    dockerConfig: "/nowhere/home/.docker",
    proxy: { none: [] },
    pluginSandbox: undefined,
    plugins: [],
    aliases: {},
    pluginOptions: {},
  });
  assert(Object.isFrozen(config));
});

Deno.test("loadConfig() reads proxies from the environment: lower-case names first, ALL_PROXY for what is not named", () => {
  const home = { HOME: "/nowhere/home" };
  const both = { HTTPS_PROXY: "http://upper:1", https_proxy: "http://lower:2", ALL_PROXY: "http://all:3" };
  assertEquals(load({ ...home, ...both }).proxy, { http: "http://all:3", https: "http://lower:2", none: [] });
  const plain = { http_proxy: "socks5://s:1080", no_proxy: " a.b ,,*.c,10.0.0.0/8" };
  assertEquals(load({ ...home, ...plain }).proxy, { http: "socks5://s:1080", none: ["a.b", "*.c", "10.0.0.0/8"] });
  assertEquals(load({ ...home, NO_PROXY: "a" }).proxy, { none: [] });
});

Deno.test("loadConfig() gives DOCKER_HOST to the plugin that speaks to Docker", () => {
  const { pluginOptions } = load({ HOME: "/nowhere/home", DOCKER_HOST: "unix:///nowhere/docker.sock" });
  assertEquals(pluginOptions, { "transport-archive": { dockerHost: "unix:///nowhere/docker.sock" } });
});

Deno.test("loadConfig() takes the environment before defaults, and nothing from empty variables", () => {
  const config = load({
    HOME: "/nowhere/home",
    XDG_DATA_HOME: "/nowhere/data",
    STRATA_STORE: "other",
    STRATA_PLATFORM: "linux/arm64",
    STRATA_PROGRESS: "plain",
    NO_COLOR: "1",
    SOURCE_DATE_EPOCH: "1700000000",
    DOCKER_CONFIG: "/nowhere/docker",
  });
  assertEquals(config.root, "/nowhere/data/strata");
  assertEquals([config.store, config.platform, config.progress], ["other", "linux/arm64", "plain"]);
  assertEquals([config.noColor, config.sourceDateEpoch], [true, 1_700_000_000]);
  assertEquals(config.dockerConfig, "/nowhere/docker");
  const empty = load({ HOME: "/nowhere/home", STRATA_ROOT: "", NO_COLOR: "", SOURCE_DATE_EPOCH: "" });
  assertEquals(empty.root, "/nowhere/home/.local/share/strata");
  assertEquals([empty.noColor, empty.sourceDateEpoch], [false, undefined]);
});

Deno.test("loadConfig() takes overrides before the environment before the file", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/c.json`;
    await Deno.writeTextFile(path, JSON.stringify({ root: "file", store: "file", progress: "plain" }));
    const variables = { STRATA_CONFIG: path, STRATA_STORE: "environment", STRATA_PROGRESS: "tty" };
    const config = load(variables, { progress: "rawjson" });
    assertEquals([config.root, config.store, config.progress], [`${directory}/file`, "environment", "rawjson"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("loadConfig() finds the file in the XDG directory and ignores a relative one", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/strata`);
    await Deno.writeTextFile(`${directory}/strata/config.json`, '{"store":"file"}');
    assertEquals(load({ HOME: "/nowhere", XDG_CONFIG_HOME: directory }).store, "file");
    assertEquals(load({ HOME: "/nowhere", XDG_CONFIG_HOME: "relative" }).store, "local");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("loadConfig() makes a relative root absolute", () => {
  assertEquals(load({ STRATA_ROOT: "./some/root/" }).root, `${Deno.cwd()}/some/root`);
  assertEquals(load({}, { root: "x" }).root, `${Deno.cwd()}/x`);
});

Deno.test("loadConfig() needs no home when the root is named, and advises when nothing is", () => {
  assertEquals(load({ STRATA_ROOT: "/r" }).dockerConfig, undefined);
  const error = assertThrows(() => load({}), EngineError);
  assertStringIncludes(error.hint ?? "", "--root");
});

Deno.test("loadConfig() rejects wrong values and names the variable", () => {
  for (const epoch of ["x", "-1", "1.5", "1e3", "253402300800", " 1"]) {
    const error = assertThrows(() => load({ STRATA_ROOT: "/r", SOURCE_DATE_EPOCH: epoch }), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT");
    assertStringIncludes(error.message, "SOURCE_DATE_EPOCH");
  }
  const error = assertThrows(() => load({ STRATA_ROOT: "/r", STRATA_PROGRESS: "loud" }), EngineError);
  assertStringIncludes(error.message, 'STRATA_PROGRESS "loud"');
});

Deno.test("loadConfig() rejects when the file that was asked for is missing", () => {
  const error = assertThrows(() => load({ STRATA_ROOT: "/r", STRATA_CONFIG: "/nowhere/c.json" }), EngineError);
  assertEquals(error.code, "OS_FAILED");
  assertStringIncludes(error.message, "/nowhere/c.json");
});

Deno.test("parseProgress() names where a wrong style is from", () => {
  assertEquals(parseProgress("quiet", "--progress"), "quiet");
  assertStringIncludes(assertThrows(() => parseProgress("x", "--progress"), EngineError).message, '--progress "x"');
});
