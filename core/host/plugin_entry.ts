import type { PluginFactory } from "../contract/plugin.ts";

/** Keys of the hooks that a plugin offers. */
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

/** Kinds of sandbox, best first: a process inside bubblewrap, a Worker of this process, a process. */
export type SandboxKind = "bubblewrap" | "worker" | "process";

/** Kinds of permission that a plugin can be given, as Deno names them. */
export type PermissionKind = "env" | "net" | "read" | "sys" | "write";

/**
 * What a plugin is given: nothing of a kind, all of it, or what is listed; or with `scripts` that it runs build files as programs, and
 * nothing else.
 */
export type PluginPermissions = Readonly<Partial<Record<PermissionKind, boolean | readonly string[]>>> & {
  readonly scripts?: boolean;
};

/** What a sandboxed plugin may do. */
export type Grants = Omit<PluginPermissions, "scripts">;

/** A plugin that can be loaded. */
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
