import type { BuildGraph, BuildOutline, ParseHook, SourceFile } from "../contract/parse.ts";
import type { Plugin } from "../contract/plugin.ts";
import { EngineError } from "../errors.ts";
import { keysOf } from "./load.ts";

/** A plugin in a sandbox. */
export interface OpenedPlugin {
  /** What its factory gave, not checked. */
  readonly plugin: Plugin;
  /** Where it runs. */
  readonly sandbox: AsyncDisposable;
}

/** Starts a plugin in a sandbox of its own, in which it may run a build file. */
export type OpenRealm = (file: SourceFile) => Promise<OpenedPlugin>;

interface Realm {
  readonly file: SourceFile;
  readonly opening: Promise<OpenedPlugin>;
}

/**
 * The sandboxes of a plugin that runs build files. Each is for one file: one that has been parsed in it, and may have changed
 * everything there, is ended with the call. Disposing ends all.
 */
export class ScriptRealms implements AsyncDisposable {
  readonly #name: string;
  readonly #open: OpenRealm;
  readonly #live = new Set<OpenedPlugin>();
  /** The one in which a file was only looked at, to be parsed next. */
  #spare: Realm | undefined;

  /** `name` is the plugin's. */
  constructor(name: string, open: OpenRealm) {
    this.#name = name;
    this.#open = open;
  }

  /** The plugin, of which no sandbox is started before a file comes. */
  plugin(formats: readonly string[]): Plugin {
    return { name: this.#name, api: 1, parse: formats.map((format) => this.#hook(format)) };
  }

  /** Ends all sandboxes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#spare?.opening.catch(() => {});
    this.#spare = undefined;
    await Promise.all([...this.#live].map((opened) => this.#end(opened)));
  }

  #hook(format: string): ParseHook {
    return {
      format,
      matches: async (file): Promise<boolean> => {
        const realm = this.#take(file);
        const opened = await realm.opening;
        const isOwn = await hookOf(this.#name, opened, format).matches(file);
        await this.#keep(realm);
        return isOwn;
      },
      parse: (file, context): Promise<BuildGraph> =>
        this.#within(file, (opened) => hookOf(this.#name, opened, format).parse(file, context)),
      outline: (file, context): Promise<BuildOutline> =>
        this.#within(file, (opened) => hookOf(this.#name, opened, format).outline(file, context)),
    };
  }

  async #within<T>(file: SourceFile, work: (opened: OpenedPlugin) => Promise<T>): Promise<T> {
    const opened = await this.#take(file).opening;
    try {
      return await work(opened);
    } finally {
      await this.#end(opened);
    }
  }

  #take(file: SourceFile): Realm {
    const spare = this.#spare;
    if (spare?.file.path === file.path && spare.file.text === file.text) {
      this.#spare = undefined;
      return spare;
    }
    const opening = this.#open(file).then((opened) => {
      this.#live.add(opened);
      return opened;
    });
    return { file, opening };
  }

  async #keep(realm: Realm): Promise<void> {
    const earlier = this.#spare;
    this.#spare = realm;
    if (earlier !== undefined) await this.#end(await earlier.opening);
  }

  async #end(opened: OpenedPlugin): Promise<void> {
    this.#live.delete(opened);
    await opened.sandbox[Symbol.asyncDispose]();
  }
}

/** Formats of a plugin that runs build files. Throws `PLUGIN_FAILED` for one that has other hooks, which would be in sandboxes that end. */
export function formatsOf(name: string, plugin: Plugin): readonly string[] {
  const { parse, ...others } = keysOf(name, plugin);
  if (Object.values(others).every((keys) => keys.length === 0)) return parse;
  throw new EngineError(
    "PLUGIN_FAILED",
    `Cannot load plugin "${name}": it runs build files as programs, so that it may have parse hooks only`,
    { detail: { plugin: name }, hint: "Put its other hooks into a plugin of their own" },
  );
}

function hookOf(name: string, { plugin }: OpenedPlugin, format: string): ParseHook {
  formatsOf(name, plugin);
  const found = plugin.name === name ? plugin.parse?.find((hook) => hook.format === format) : undefined;
  if (found !== undefined) return found;
  throw new EngineError(
    "PLUGIN_FAILED",
    `Cannot load plugin "${name}": it calls itself "${plugin.name}" and does not read "${format}" as its config says`,
    { detail: { plugin: name }, hint: `Add it again with: strata plugins add` },
  );
}
