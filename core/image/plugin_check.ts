import type { Config } from "../config.ts";
import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import type { ParseHook } from "../contract/parse.ts";
import type { Plugin, PluginSamples } from "../contract/plugin.ts";
import {
  createLayerContext,
  createMemoryTree,
  files,
  layerConformance,
  parseConformance,
  testStore,
  transportConformance,
} from "../conformance/mod.ts";
import type { PluginPermissions } from "../host/plugin_entry.ts";
import { readFile, readRequest, tryPlugin } from "./plugin_open.ts";

/** One test of a plugin, done. */
export interface PluginTest {
  /** What was tested. */
  readonly name: string;
  /** Why it failed; undefined when it passed. */
  readonly failure?: string;
  /** Whether nothing was tested, because the plugin has no samples for it. */
  readonly isSkipped?: boolean;
}

/** A plugin to be checked. */
export interface CheckPluginInput {
  /** Name of a plugin of the config, path of a file, or `npm:package@version`. */
  readonly plugin: string;
  /** Absolute path of the file, when it is one. */
  readonly path: string;
  /** Finds the parsers of formats that the plugin hands files on to. */
  readonly formats: (format: string) => Promise<ParseHook>;
}

interface Work {
  readonly formats: CheckPluginInput["formats"];
  readonly plugin: Plugin;
  readonly samples: PluginSamples;
  /** A text with `{folder}` and `{n}` put in. */
  readonly fill: (text: string) => string;
  readonly call: Call;
  readonly register: (name: string, run: () => Promise<void>) => void;
  readonly skip: (name: string) => void;
}

/**
 * Runs the suite of each hook of a plugin, in a sandbox with the permissions of the config, or those that it asks for. Yields each test when it
 * is done. Rejects as loading the plugin does.
 */
export async function* checkPlugin(config: Config, input: CheckPluginInput, call: Call): AsyncGenerator<PluginTest> {
  const known = config.plugins.find(({ name }) => name === input.plugin);
  const path = known?.path ?? input.path;
  const name = known?.name ?? input.plugin;
  const file = await readFile(path, config, known?.sha256);
  const options = { config, name, options: known?.options ?? {}, packages: known?.packages, file };
  const folder = await Deno.makeTempDir({ prefix: "strata-check-" });
  try {
    const { exported, sandbox } = await tryPlugin({ ...options, permissions: {} });
    await sandbox[Symbol.asyncDispose]();
    const granted = known?.permissions ?? readRequest(exported.permissions, name);
    const permissions = withFolder(granted, folder);
    const tried = await tryPlugin({ ...options, permissions });
    await using _sandbox = tried.sandbox;
    const tests: { readonly name: string; readonly run: (() => Promise<void>) | undefined }[] = [];
    let count = 0;
    registerAll({
      formats: input.formats,
      plugin: tried.plugin,
      samples: { ...Object(exported.samples) },
      fill: (text) => text.replaceAll("{folder}", folder).replaceAll("{n}", () => String(++count)),
      call,
      register: (name, run) => void tests.push({ name, run }),
      skip: (name) => void tests.push({ name, run: undefined }),
    });
    for (const { name, run } of tests) {
      call.signal.throwIfAborted();
      yield run === undefined ? { name, isSkipped: true } : await runTest(name, run);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Permissions with a folder that samples work in, where they are files at all. */
function withFolder(granted: PluginPermissions, folder: string): PluginPermissions {
  const add = (what: boolean | readonly string[] | undefined): boolean | readonly string[] =>
    what === true ? true : [...(Array.isArray(what) ? what : []), folder];
  // What runs build files has no files.
  return granted.scripts === true ? granted : { ...granted, read: add(granted.read), write: add(granted.write) };
}

async function runTest(name: string, run: () => Promise<void>): Promise<PluginTest> {
  try {
    await run();
    return { name };
  } catch (error) {
    return { name, failure: error instanceof Error ? error.message : String(error) };
  }
}

function registerAll(work: Work): void {
  registerParse(work);
  registerLayer(work);
  registerStore(work);
  registerTransport(work);
}

function registerParse({ plugin, samples, register, skip, formats }: Work): void {
  for (const hook of plugin.parse ?? []) {
    const sample = samples.parse?.[hook.format];
    if (sample === undefined) {
      skip(`parse ${hook.format}`);
      continue;
    }
    const good = sample.good.map(({ file, images = [], files = {} }) => ({
      file,
      input: { images: Object.fromEntries(images.map((image) => [image, {}])), files },
    }));
    parseConformance(`parse ${hook.format}`, () => Promise.resolve(hook), { ...sample, good, formats }, register);
  }
}

function registerLayer({ plugin, samples, register, skip }: Work): void {
  for (const hook of plugin.layer ?? []) {
    const cases = hook.kinds.flatMap((kind) => (samples.layer?.[kind] ?? []).map((sample) => ({ kind, sample })));
    const name = `layer ${hook.kinds.join(", ")}`;
    if (cases.length === 0) {
      skip(name);
      continue;
    }
    layerConformance(name, () =>
      Promise.resolve({
        hook,
        cases: cases.map(({ kind, sample }) => ({
          name: kind,
          op: { kind, args: sample.args },
          context: (signal?: AbortSignal) =>
            createLayerContext({
              inputs: sample.inputs.map((texts) => createMemoryTree(files(texts))),
              ...(signal === undefined ? {} : { signal }),
              ...(sample.leaves === undefined ? {} : { run: () => runOf(sample.leaves ?? {}) }),
            }),
        })),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }), register);
  }
}

/** Files as a command would have written them. */
async function* runOf(texts: Readonly<Record<string, string>>): AsyncGenerator<LayerEntry> {
  const folders = Object.keys(texts).flatMap((path) =>
    path.split("/").slice(0, -1).map((_, i, all) => all.slice(0, i + 1).join("/"))
  );
  const meta = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
  for (const path of new Set(folders)) yield await Promise.resolve({ type: "directory", path, ...meta });
  for (const [path, text] of Object.entries(texts)) {
    const content = new TextEncoder().encode(text);
    yield { type: "file", path, ...meta, size: content.length, content };
  }
}

function registerStore({ plugin, samples, register, skip, fill, call }: Work): void {
  for (const hook of plugin.store ?? []) {
    const location = samples.store?.[hook.driver];
    if (location === undefined) {
      skip(`store ${hook.driver}`);
      continue;
    }
    testStore(`store ${hook.driver}`, () => {
      const place = fill(location);
      return Promise.resolve({
        open: () => hook.open(place, call),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    }, register);
  }
}

function registerTransport({ plugin, samples, register, skip, fill, call }: Work): void {
  for (const hook of plugin.transport ?? []) {
    const sample = hook.schemes.map((scheme) => samples.transport?.[scheme]).find((found) => found !== undefined);
    const name = `transport ${hook.schemes.join(", ")}`;
    if (sample === undefined) {
      skip(name);
      continue;
    }
    transportConformance(name, () =>
      Promise.resolve({
        hook,
        address: () => fill(sample.address),
        exists: async (address: string) => {
          try {
            await using source = await hook.source(address, call);
            return (await Array.fromAsync(source.names("", call))).length > 0;
          } catch {
            return false;
          }
        },
        name: (text: string) => text,
        holdsOne: sample.holdsOne ?? false,
        listsUnnamed: sample.listsUnnamed ?? true,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }), register);
  }
}
