import type { SourceFile } from "../../contract/parse.ts";
import type { PluginFactory, PluginHost, ProxySettings, Script } from "../../contract/plugin.ts";
import { createKit } from "../../kit.ts";
import { linkPackages } from "../plugin_source.ts";
import type { PreparedScript } from "../script_source.ts";
import { confine } from "./confine.ts";
import { Peer } from "./peer.ts";
import { ScriptRunner } from "./script.ts";
import { methodsOf } from "./stubs.ts";
import type { Wire } from "./wire.ts";
import { encodeError } from "./wire_error.ts";

/** What strata sends to be loaded. */
export interface PluginSource {
  /** The text of the file, hashed and checked. */
  readonly text: string;
  /** Media type, which says whether it is TypeScript. */
  readonly type: string;
  /** Texts of the modules of packages that it imports, JavaScript, hashed and checked. */
  readonly modules: readonly string[];
  /** Which specifiers of the text stand for which of them, in order. */
  readonly links: readonly { readonly at: number; readonly end: number; readonly module: number }[];
  /** The build file that it may run; none when left out. */
  readonly script?: PreparedScript;
}

/** What strata tells a plugin at its start. */
export interface StartInput {
  /** The plugin's own section of the config. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Proxies to use. */
  readonly proxy: ProxySettings;
}

/** Serves one plugin over a wire: loads it when strata says so and answers calls into it. */
export function servePlugin(wire: Wire): void {
  const peer = new Peer(wire, { wrap: (error) => error, onBreach: () => void wire.close() });
  peer.offer("sandbox", new Sandbox(peer));
  const fault = (error: unknown): void => peer.send({ t: "fault", error: encodeError(error) });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    fault(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fault(event.reason);
  });
  confine((text) => peer.send({ t: "print", text: text.slice(0, 2048) }));
}

const host = { name: "host", id: 1 } as const;

class Sandbox {
  readonly #peer: Peer;
  #factory: PluginFactory | undefined;
  #script = new ScriptRunner(undefined);

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Loads the module; gives what it exports beside its factory. */
  async load(source: PluginSource): Promise<{ readonly permissions: unknown; readonly samples: unknown }> {
    this.#script = new ScriptRunner(source.script);
    // A computed import is resolved with this thread's permissions, and so is whatever the module imports.
    const url = URL.createObjectURL(new Blob([linkModules(source)], { type: source.type }));
    const module: Readonly<Record<string, unknown>> = await import(url);
    URL.revokeObjectURL(url);
    if (typeof module.default !== "function") {
      throw new TypeError("its module has no default export that is a function");
    }
    this.#factory = module.default as PluginFactory;
    return { permissions: module.permissions, samples: module.samples };
  }

  /** Runs the factory; gives the plugin with an id in place of each hook. */
  async start({ config, proxy }: StartInput): Promise<unknown> {
    const { credential } = methodsOf(this.#peer, host);
    const script = this.#script;
    const runScript = (file: SourceFile): Promise<Script> => script.run(file);
    const given = { config, proxy, kit: createKit(), credential, runScript } as unknown as PluginHost;
    const plugin = await this.#factory?.(given);
    if (typeof plugin !== "object" || plugin === null) throw new TypeError("its factory gives no plugin");
    const offer = (name: "parse" | "layer" | "storeHook" | "transport", hooks: unknown): unknown => {
      if (!Array.isArray(hooks)) return hooks;
      return hooks.map((hook: unknown) => {
        const { format, kinds, driver, schemes } = { ...Object(hook) };
        return { format, kinds, driver, schemes, id: this.#peer.offer(name, Object(hook)) };
      });
    };
    return {
      name: plugin.name,
      api: plugin.api,
      parse: offer("parse", plugin.parse),
      layer: offer("layer", plugin.layer),
      store: offer("storeHook", plugin.store),
      transport: offer("transport", plugin.transport),
    };
  }
}

/** The text with URLs in place of the packages that it imports, which stay, as it may import them at any time. */
function linkModules({ text, modules, links }: PluginSource): string {
  const urls = modules.map((module) => URL.createObjectURL(new Blob([module], { type: "text/javascript" })));
  return linkPackages(text, links.map(({ at, end, module }) => ({ at, end, url: urls[module] ?? "" })));
}
