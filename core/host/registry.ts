import type { Call } from "../contract/call.ts";
import { createKit } from "../kit.ts";
import type { Kit } from "../contract/kit.ts";
import type { LayerHook } from "../contract/layer.ts";
import type { ParseHook, SourceFile } from "../contract/parse.ts";
import type { Credential, Plugin, PluginHost, ProxySettings } from "../contract/plugin.ts";
import type { StoreHook } from "../contract/store.ts";
import type { TransportHook } from "../contract/transport.ts";
import { EngineError } from "../errors.ts";
import { guardStore, guardTransport } from "./guard.ts";
import { keysOf, loadPlugin } from "./load.ts";
import { type HookKind, hookKinds, type PluginEntry, type Provides } from "./plugin_entry.ts";

/**
 * The plugins of an engine by what they offer. Each is loaded when it is first needed, and every call into it is guarded. Disposing ends
 * those that run in a sandbox.
 *
 * @example The format of a build file
 * ```ts
 * import { builtins, createEngine, type Host } from "@strata/strata";
 *
 * async function formatOf(host: Host, path: string, text: string): Promise<string> {
 *   return (await host.parser({ path, text })).format;
 * }
 * await using engine = await createEngine({ plugins: builtins, config: { root: await Deno.makeTempDir() } });
 * console.log(await formatOf(engine.host, "Dockerfile", "FROM scratch\n"));
 * ```
 */
export interface Host extends AsyncDisposable {
  /** The hook that takes a build file. Rejects `UNSUPPORTED` when none does. */
  parser(file: SourceFile): Promise<ParseHook>;
  /** The hook that reads a build file format. Rejects `UNSUPPORTED` when there is none. */
  format(name: string): Promise<ParseHook>;
  /** The hook that builds operations of a kind. Rejects `UNSUPPORTED` when there is none. */
  layer(kind: string): Promise<LayerHook>;
  /** The hook that opens stores of a driver. Rejects `UNSUPPORTED` when there is none. */
  store(driver: string): Promise<StoreHook>;
  /** The hook that moves images over a transport scheme. Rejects `UNSUPPORTED` when there is none. */
  transport(scheme: string): Promise<TransportHook>;
  /** What is plugged in, in the order it was given. */
  readonly plugins: readonly PluginFacts[];
  /**
   * The same plugins, given these logins, for work that is done for somebody with logins of their own. They are made anew, so that what they
   * learned with other logins is not used; those that run in a sandbox are there once, and have the logins of this host. It ends with
   * this host at the latest.
   */
  withLogins(credential: PluginHost["credential"]): Promise<Host>;
}

/**
 * What is known of a plugin without running it.
 *
 * @example Who owns a scheme
 * ```ts
 * import type { PluginFacts } from "@strata/strata";
 *
 * function ownerOf(plugins: readonly PluginFacts[], scheme: string): string | undefined {
 *   return plugins.find(({ provides }) => provides.transport.includes(scheme))?.name;
 * }
 * console.log(ownerOf([], "s3"));
 * ```
 */
export interface PluginFacts {
  /** Its name. */
  readonly name: string;
  /** Another text whenever the plugin may do something else: its name, the sha256 of its file, its config. */
  readonly identity: string;
  /** Keys of its hooks. */
  readonly provides: Required<Provides>;
}

/** What plugins are given beside their config and the kit. */
export interface HostOptions {
  /** Login for a registry host, or for a repository of one. */
  readonly credential: (place: string, call: Call) => Promise<Credential | undefined>;
  /** Proxies for requests; none when left out. */
  readonly proxy?: ProxySettings;
}

interface Member extends PluginFacts {
  readonly load: () => Promise<Plugin>;
}

/**
 * Plugs plugins in. Rejects `CONFLICT` when two have one name or one key, and as {@linkcode loadPlugin} does for those that
 * have to be loaded at start.
 */
export async function createHost(plugins: readonly PluginEntry[], options: HostOptions): Promise<Host> {
  const kit = createKit();
  await using opened = new AsyncDisposableStack();
  for (const { close } of plugins) if (close !== undefined) opened.defer(close);
  const members = await Promise.all(plugins.map((entry) => openMember(entry, { ...options, kit })));
  const owned = hostOf(members, async (credential) => {
    // A plugin with something to close, such as a sandbox, is there once and stays this host's.
    const given = { ...options, credential, kit };
    const anew = plugins.map((entry, at) => entry.close === undefined ? openMember(entry, given) : members[at]);
    return (await Promise.all(anew)).filter((member) => member !== undefined);
  });
  const closing = opened.move();
  return { ...owned, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** Plugs loaded plugins in; `anew` gives them for other logins. Throws `CONFLICT` when two have one key. Disposing it closes nothing. */
function hostOf(
  members: readonly Member[],
  anew: (credential: HostOptions["credential"]) => Promise<readonly Member[]>,
): Host {
  const owners = indexOwners(members);
  const owner = (kind: HookKind, key: string): Member => {
    const found = owners[kind].get(key);
    if (found === undefined) throw unknownKey(kind, key, [...owners[kind].keys()]);
    return found;
  };
  const pick = async <H>(
    kind: HookKind,
    key: string,
    find: (plugin: Plugin) => H | undefined,
  ): Promise<[H, string]> => {
    const member = owner(kind, key);
    const hook = find(await member.load());
    if (hook === undefined) throw unknownKey(kind, key, [...owners[kind].keys()]);
    return [hook, member.name];
  };
  return {
    [Symbol.asyncDispose]: () => Promise.resolve(),
    plugins: members.map(({ name, identity, provides }) => ({ name, identity, provides })),
    async parser(file): Promise<ParseHook> {
      const { guardParse } = await loadBuildGuards();
      for (const member of new Set(owners.parse.values())) {
        const hooks = (await member.load()).parse ?? [];
        const guarded = hooks.map((hook) => guardParse(hook, member.name));
        for (const hook of guarded) if (await hook.matches(file)) return hook;
      }
      const { unknownFile } = await import("./unknown_file.ts");
      throw unknownFile(file, [...owners.parse.keys()]);
    },
    async format(name): Promise<ParseHook> {
      const { guardParse } = await loadBuildGuards();
      return guardParse(...await pick("parse", name, (plugin) => plugin.parse?.find((hook) => hook.format === name)));
    },
    async layer(kind): Promise<LayerHook> {
      const { guardLayer } = await loadBuildGuards();
      return guardLayer(
        ...await pick("layer", kind, (plugin) => plugin.layer?.find((hook) => hook.kinds.includes(kind))),
      );
    },
    store: async (driver) =>
      guardStore(...await pick("store", driver, (plugin) => plugin.store?.find((hook) => hook.driver === driver))),
    withLogins: async (credential) => hostOf(await anew(credential), anew),
    transport: async (scheme) =>
      guardTransport(
        ...await pick("transport", scheme, (plugin) => plugin.transport?.find((hook) => hook.schemes.includes(scheme))),
      ),
  };
}

/** Loaded by builds only; most commands do without. */
function loadBuildGuards(): Promise<typeof import("./guard_build.ts")> {
  return import("./guard_build.ts");
}

async function openMember(entry: PluginEntry, options: HostOptions & Pick<PluginHost, "kit">): Promise<Member> {
  let loading: Promise<Plugin> | undefined;
  const load = (): Promise<Plugin> =>
    loading ??= loadPlugin(entry, {
      config: entry.config ?? {},
      kit: options.kit,
      proxy: options.proxy ?? { none: [] },
      credential: (place, call) => options.credential(place, call),
      runScript: async (file) => (await import("./refuse_script.ts")).refuseScript(file),
    });
  const provides = entry.provides ?? keysOf(entry.name, await load());
  const identity = identify(entry, options.kit);
  return {
    name: entry.name,
    identity,
    load,
    provides: { parse: [], layer: [], store: [], transport: [], ...provides },
  };
}

function identify({ name, sha256, config = {} }: PluginEntry, kit: Kit): string {
  const file = sha256 === undefined ? "" : `@sha256:${sha256}`;
  // What config holds is up to the plugin, and it may be anything that JSON has.
  return `${name}${file}${
    Object.keys(config).length === 0 ? "" : kit.canonicalJson(JSON.parse(JSON.stringify(config)))
  }`;
}

type Owners = Readonly<Record<HookKind, Map<string, Member>>>;

function indexOwners(members: readonly Member[]): Owners {
  const owners: Owners = { parse: new Map(), layer: new Map(), store: new Map(), transport: new Map() };
  const names = new Set<string>();
  for (const member of members) {
    if (names.has(member.name)) throw conflict("plugin", member.name, [member.name, member.name]);
    names.add(member.name);
    for (const kind of hookKinds) {
      for (const key of member.provides[kind]) {
        const other = owners[kind].get(key);
        if (other !== undefined) throw conflict(labels[kind], key, [other.name, member.name]);
        owners[kind].set(key, member);
      }
    }
  }
  return owners;
}

const labels: Readonly<Record<HookKind, string>> = {
  parse: "build file format",
  layer: "operation kind",
  store: "store driver",
  transport: "transport scheme",
};

function conflict(kind: string, name: string, owners: readonly [string, string]): EngineError {
  return new EngineError(
    "CONFLICT",
    `Cannot use ${kind} "${name}": plugins "${owners[0]}" and "${owners[1]}" both own it`,
    { detail: { kind, name, owners }, hint: "Remove one of the two plugins from the config" },
  );
}

function unknownKey(kind: HookKind, key: string, known: readonly string[]): EngineError {
  const isRun = kind === "layer" && key === "run";
  return new EngineError("UNSUPPORTED", `Cannot use ${labels[kind]} "${key}": no plugin offers it`, {
    detail: { what: labels[kind], value: key, known: [...known].sort() },
    hint: isRun
      ? "Use only instructions other than RUN, which is not available in this version"
      : `Choose one of ${[...known].sort().join(", ")}, or add a plugin to the config`,
  });
}
