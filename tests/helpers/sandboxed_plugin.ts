import type { Plugin, PluginHost } from "../../core/contract/mod.ts";
import { openPlugin, readPluginFile } from "../../core/host/load_file.ts";
import type { PluginPermissions, SandboxKind } from "../../core/host/plugin_entry.ts";
import { sandboxPlace } from "../../core/engine_sandbox.ts";
import { openSandbox } from "../../core/host/sandbox/open_sandbox.ts";
import { createTestHost } from "./test_host.ts";

/** A plugin in a sandbox, which ends with it. */
export interface SandboxedPlugin extends AsyncDisposable {
  /** Its hooks. */
  readonly plugin: Plugin;
}

/** What a test changes of a plugin's sandbox. */
export interface SandboxedOptions {
  /** What the plugin may do; nothing when left out. */
  readonly permissions?: PluginPermissions;
  /** How long it may owe an answer, in seconds. */
  readonly timeoutSeconds?: number;
  /** How long its start may take, in seconds. */
  readonly startSeconds?: number;
  /** Kind of sandbox; a Worker when left out. */
  readonly kind?: SandboxKind;
  /** What its factory is given. */
  readonly host?: PluginHost;
}

/** Starts one of the plugins of tests/plugins in a Worker. */
export async function openSandboxed(file: string, options: SandboxedOptions = {}): Promise<SandboxedPlugin> {
  const path = new URL(`../plugins/${file}`, import.meta.url).pathname;
  return await open(await readPluginFile(path, { name: file.replace(/\.ts$/, "") }), file, options);
}

/** Starts a plugin that is a text of TypeScript in a Worker, under the name `p`. */
export async function openText(text: string, options: SandboxedOptions = {}): Promise<SandboxedPlugin> {
  return await open({ text, sha256: "", type: "application/typescript" }, "p", options);
}

/** Under `deno test` a Worker's modules are type-checked when it is started, which takes long on a busy machine. */
const longStart = 300;

async function open(
  source: Awaited<ReturnType<typeof readPluginFile>>,
  file: string,
  { permissions, timeoutSeconds, startSeconds = longStart, kind = "worker", host }: SandboxedOptions,
): Promise<SandboxedPlugin> {
  const name = file.replace(/\.ts$/, "").replaceAll("_", "-");
  const { plugin, sandbox } = await openPlugin({ name, permissions, timeoutSeconds, startSeconds }, source, {
    openSandbox: (name, needs) => openSandbox(name, needs, sandboxPlace({ pluginSandbox: kind }, true)),
    host: host ?? createTestHost(),
  });
  return { plugin, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
}
