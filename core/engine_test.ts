import { assert, assertEquals } from "@std/assert";
import { call, chunked, makeBytes, readBlob } from "../tests/conformance/store_tools.ts";
import { createMemoryStore } from "../tests/helpers/memory_store.ts";
import { createTempEngine } from "../tests/helpers/temp_engine.ts";
import type { Store } from "./contract/mod.ts";
import type { PluginEntry } from "./engine.ts";

/** A plugin whose stores count how often they are closed. */
function countingPlugin(closed: { count: number }, opened: string[]): PluginEntry {
  const open = (location: string): Promise<Store> => {
    opened.push(location);
    const store = createMemoryStore();
    const close = (): Promise<void> => {
      closed.count++;
      return Promise.resolve();
    };
    return Promise.resolve(Object.create(store, { [Symbol.asyncDispose]: { value: close } }));
  };
  return {
    name: "counting",
    provides: { store: ["counting"] },
    load: () =>
      Promise.resolve({ default: () => ({ name: "counting", api: 1, store: [{ driver: "counting", open }] }) }),
  };
}

Deno.test("createEngine() opens the local store, and what is stored can be read", async () => {
  await using engine = await createTempEngine();
  const descriptor = await engine.store.ingest(chunked(makeBytes(1000)), "text/plain", call);
  await engine.store.tag(descriptor, "fetch/a", call);
  assertEquals(await readBlob(engine.store, descriptor), makeBytes(1000));
  assertEquals(engine.clock().toISOString(), "2024-01-02T03:04:05.000Z");
  assertEquals(engine.config.store, "local");
});

Deno.test("createEngine() opens the store that the config names, and disposing closes it once", async () => {
  const closed = { count: 0 };
  const opened: string[] = [];
  const plugins = [countingPlugin(closed, opened)];
  const engine = await createTempEngine({ plugins, config: { store: "counting" } });
  assertEquals(opened, [engine.config.root]);
  await Promise.all([engine[Symbol.asyncDispose](), engine[Symbol.asyncDispose]()]);
  await engine[Symbol.asyncDispose]();
  assertEquals(closed.count, 1);
});

Deno.test("createEngine() hands each plugin its own section of the config", async () => {
  const seen: unknown[] = [];
  const entry: PluginEntry = {
    name: "curious",
    load: () =>
      Promise.resolve({
        default: (host) => {
          seen.push(host.config);
          return { name: "curious", api: 1 };
        },
      }),
  };
  const plugins = [countingPlugin({ count: 0 }, []), entry];
  const pluginOptions = { curious: { a: 1 }, other: { b: 2 } };
  await using _engine = await createTempEngine({ plugins, config: { store: "counting", pluginOptions } });
  assertEquals(seen, [{ a: 1 }]);
});

Deno.test("createEngine() makes nothing in a store that is there", async () => {
  await using engine = await createTempEngine();
  const before = await Array.fromAsync(Deno.readDir(engine.config.root));
  assert(before.some(({ name }) => name === "store.db"));
  assertEquals(before.some(({ name }) => name === "gc.lock"), false);
});
