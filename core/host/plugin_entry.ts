import type { PluginFactory } from "../contract/plugin.ts";

/**
 * Keys of the hooks that a plugin offers.
 *
 * @example A plugin that reads one kind of build file
 * ```ts
 * import type { Provides } from "@strata/strata";
 *
 * const provides: Provides = { parse: ["labels"] };
 * console.log(provides.parse);
 * ```
 */
export interface Provides {
  /** Build file formats. */
  readonly parse?: readonly string[];
  /** Operation kinds. */
  readonly layer?: readonly string[];
  /** Store drivers. */
  readonly store?: readonly string[];
  /** Transport schemes. */
  readonly transport?: readonly string[];
}

/**
 * Kinds of sandbox, best first: a process inside bubblewrap, a Worker of this process, a process.
 *
 * @example The one that shares nothing with strata
 * ```ts
 * import type { SandboxKind } from "@strata/strata";
 *
 * const kind: SandboxKind = "bubblewrap";
 * console.log(kind);
 * ```
 */
export type SandboxKind = "bubblewrap" | "worker" | "process";

/**
 * Kinds of permission that a plugin can be given, as Deno names them.
 *
 * @example Kinds that concern files
 * ```ts
 * import type { PermissionKind } from "@strata/strata";
 *
 * const kinds: readonly PermissionKind[] = ["read", "write"];
 * console.log(kinds);
 * ```
 */
export type PermissionKind = "env" | "net" | "read" | "sys" | "write";

/**
 * What a plugin is given: nothing of a kind, all of it, or what is listed; or with `scripts` that it runs build files as programs, and
 * nothing else.
 *
 * @example One host, one folder
 * ```ts
 * import type { PluginPermissions } from "@strata/strata";
 *
 * const permissions: PluginPermissions = { net: ["s3.example.com"], read: ["/srv/images"] };
 * console.log(permissions.net);
 * ```
 */
export type PluginPermissions = Readonly<Partial<Record<PermissionKind, boolean | readonly string[]>>> & {
  readonly scripts?: boolean;
};

/** What a sandboxed plugin may do. */
export type Grants = Omit<PluginPermissions, "scripts">;

/**
 * A plugin that can be loaded.
 *
 * @example A plugin of one's own beside the built-in ones
 * ```ts
 * import { builtins, createEngine, type PluginEntry } from "@strata/strata";
 *
 * const load: PluginEntry["load"] = () => Promise.resolve({ default: () => ({ name: "mine", api: 1 }) });
 * const entry: PluginEntry = { name: "mine", load };
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: [...builtins, entry], config: { root } });
 * console.log(engine.host.plugins.some(({ name }) => name === "mine"));
 * ```
 */
export interface PluginEntry {
  /** The plugin's name, which its factory has to give as well. */
  readonly name: string;
  /** What it offers, known without loading it; one that does not say is loaded at start. */
  readonly provides?: Provides;
  /** sha256 of its file, 64 hex digits; left out for a plugin that is part of strata. */
  readonly sha256?: string;
  /** The plugin's own section of the config; empty when left out. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Loads its module. */
  readonly load: () => Promise<{ readonly default: PluginFactory }>;
  /** Ends what loading has started; left out where there is nothing to end. */
  readonly close?: () => Promise<void>;
}

/** Kinds of hooks, in the order of a build. */
export const hookKinds = ["parse", "layer", "store", "transport"] as const;

/** One kind of hook. */
export type HookKind = typeof hookKinds[number];
