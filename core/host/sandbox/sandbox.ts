import type { Plugin, PluginHost } from "../../contract/plugin.ts";
import { EngineError, isEngineError } from "../../errors.ts";
import { fieldsOf } from "./marshal.ts";
import { Peer } from "./peer.ts";
import type { Place } from "./remote.ts";
import type { PluginSource } from "./serve.ts";
import { methodsOf } from "./stubs.ts";
import type { Wire } from "./wire.ts";

/** What a plugin's module exports beside its factory; it may be anything. */
export interface PluginExports {
  /** Permissions that it asks for. */
  readonly permissions: unknown;
  /** What its hooks can be tested with. */
  readonly samples: unknown;
}

/** How a sandbox is watched. */
export interface SandboxOptions {
  /** Name of the plugin, for messages. */
  readonly name: string;
  /** Name of the build file that it may run, for messages. */
  readonly file?: string;
  /** How long a plugin may owe an answer without a word, in milliseconds. */
  readonly timeoutMs: number;
  /** The same for its start. */
  readonly startMs: number;
}

/** How long a call may go on after it was canceled, in milliseconds, unless the time for an answer is shorter. */
const maxGraceMs = 2000;

/** A plugin on the other side of a wire. Disposing ends it, whatever it is doing. */
export class Sandbox implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #peer: Peer;
  readonly #options: SandboxOptions;
  #limitMs: number;
  readonly #watch: ReturnType<typeof setInterval>;

  /** Takes a wire over; `credential` is what the plugin may ask for logins. */
  constructor(wire: Wire, credential: PluginHost["credential"], options: SandboxOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#peer = new Peer(wire, {
      wrap: (error, place) => this.#wrap(error, place),
      onBreach: (reason) => this.#end(reason),
      onPrint: (text) => ({ type: "warning", code: "PLUGIN_PRINTED", message: `plugin "${options.name}": ${text}` }),
      onAbort: (_place, isOpen) => this.#afterAbort(isOpen),
    });
    this.#peer.offer("host", { credential });
    this.#limitMs = options.startMs;
    const shortest = Math.min(options.startMs, options.timeoutMs);
    this.#watch = setInterval(() => this.#look(), Math.max(10, Math.min(1000, shortest / 4)));
    Deno.unrefTimer(this.#watch);
  }

  /** Loads the plugin's module; gives what it exports beside its factory, not checked. */
  async load(source: PluginSource): Promise<PluginExports> {
    const { permissions, samples } = fieldsOf(await this.#call("load", source));
    return { permissions, samples };
  }

  /** Runs the factory of a loaded module; gives the plugin, whose hooks are calls to the other side. */
  async start({ config, proxy }: PluginHost): Promise<Plugin> {
    const { name, api, ...kinds } = fieldsOf(await this.#call("start", { config, proxy }));
    this.#limitMs = this.#options.timeoutMs;
    const hooks = (kind: "parse" | "layer" | "storeHook" | "transport", list: unknown): unknown => {
      if (!Array.isArray(list)) return list;
      return list.map((each: unknown) => {
        const { id, ...keys } = fieldsOf(each);
        return { ...methodsOf(this.#peer, { name: kind, id: Number(id) }), ...withoutUndefined(keys) };
      });
    };
    // What the sandbox says it is has no type yet; it is checked like the plugin of any other factory.
    return withoutUndefined({
      name,
      api,
      parse: hooks("parse", kinds.parse),
      layer: hooks("layer", kinds.layer),
      store: hooks("storeHook", kinds.store),
      transport: hooks("transport", kinds.transport),
    }) as unknown as Plugin;
  }

  /** Ends the plugin. What it still owes fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    this.#peer.fail(new Error("it was closed"));
    await this.#wire.close();
  }

  #call(name: string, input: unknown): Promise<unknown> {
    return this.#peer.call({ name: "sandbox", id: 1 }, name, [input], { hook: `sandbox.${name}` });
  }

  #end(reason: string): void {
    clearInterval(this.#watch);
    this.#peer.fail(new Error(reason));
    void this.#wire.close();
  }

  #look(): void {
    if (this.#peer.silentMs <= this.#limitMs) return;
    this.#end(`it did not answer for ${this.#limitMs / 1000} s, so it was ended`);
  }

  #afterAbort(isOpen: () => boolean): void {
    const timer = setTimeout(() => {
      if (isOpen()) this.#end("it went on after it was canceled, so it was ended");
    }, Math.min(maxGraceMs, this.#options.timeoutMs));
    Deno.unrefTimer(timer);
  }

  /** Errors of the engine are kept, with the plugin's name; everything else becomes `PLUGIN_FAILED`. */
  #wrap(error: Error, { hook, signal }: Place): EngineError {
    const { name } = this.#options;
    if (isEngineError(error)) {
      // Only strata itself may ask to be run again elsewhere.
      const { canEnter: _canEnter, ...detail } = error.detail;
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      return new EngineError(error.code, error.message, { detail: { ...detail, plugin: name, hook }, ...hint });
    }
    if (signal?.aborted === true) {
      return new EngineError("CANCELED", "Cannot go on with the operation: it was canceled", { cause: error });
    }
    const isStart = hook.startsWith("sandbox.");
    const on = this.#options.file === undefined ? "" : ` on "${this.#options.file}"`;
    const { state, hint } = explain(error, name);
    return new EngineError(
      "PLUGIN_FAILED",
      isStart ? `Cannot load plugin "${name}": ${state}` : `Cannot use ${hook} of plugin "${name}"${on}: ${state}`,
      { cause: error, detail: { plugin: name, ...(isStart ? {} : { hook }) }, ...hint },
    );
  }
}

/** What is told of an error. Deno's advice on flags is of no use here, so there is other advice. */
function explain(error: Error, plugin: string): { readonly state: string; readonly hint: { readonly hint?: string } } {
  const denied = /Requires (\w+) access to (.*?), run again with the --allow-\w+ flag/.exec(error.message) ??
    /Requires (\w+) access(), run again with the --allow-\w+ flag/.exec(error.message);
  if (denied === null) return { state: error.message, hint: {} };
  const [, kind = "", what = ""] = denied;
  return {
    state: `it tried ${kind} access${what === "" ? "" : ` to ${what}`}, which it was not given`,
    hint: {
      hint: `Give it the permission under "permissions" of plugin "${plugin}" in the config, if it should have it`,
    },
  };
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
