import type { Config } from "../../core/config.ts";
import type { Call } from "../../core/contract/mod.ts";
import { createEngine, type Engine, type PluginEntry } from "../../core/engine.ts";
import { builtins } from "../../plugins/mod.ts";

/** An engine on a directory of its own, which goes when the engine is disposed. */
export interface TempEngine extends Engine {
  /** Directory for the test's files, beside the store's. */
  readonly directory: string;
}

/** What a test changes of its engine. */
export interface TempEngineOptions {
  /** Plugins; the built-in ones when left out. */
  readonly plugins?: readonly PluginEntry[];
  /** Overrides of the config. */
  readonly config?: Partial<Config>;
  /** Time of now; always 2024-01-02T03:04:05Z when left out. */
  readonly clock?: () => Date;
}

/** Opens an engine for one test. */
export async function createTempEngine(options: TempEngineOptions = {}): Promise<TempEngine> {
  await using cleanup = new AsyncDisposableStack();
  const base = await Deno.makeTempDir({ prefix: "strata-test-" });
  cleanup.defer(() => Deno.remove(base, { recursive: true }));
  const directory = `${base}/files`;
  await Deno.mkdir(directory);
  const engine = await createEngine({
    plugins: options.plugins ?? builtins,
    config: { root: `${base}/root`, dockerConfig: `${base}/docker`, ...options.config },
    clock: options.clock ?? (() => new Date("2024-01-02T03:04:05Z")),
  });
  cleanup.use(engine);
  const held = cleanup.move();
  return { ...engine, directory, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** A call that nobody aborts and whose events go nowhere. */
export function testCall(): Call {
  return { signal: new AbortController().signal, emit: () => {} };
}
