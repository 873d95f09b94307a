import type { PluginFactory } from "../contract/plugin.ts";
import { EngineError } from "../errors.ts";
import { createKit } from "../kit.ts";
import type { PluginEntry } from "./plugin_entry.ts";

/** A plugin file and what is known of it. */
export interface PluginFile {
  /** Name that the plugin gives itself. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** sha256 of the file, 64 hex digits. */
  readonly sha256: string;
  /** The plugin's own section of the config. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it is to be allowed in a sandbox; undefined when nothing is said. */
  readonly permissions: unknown;
  /** Whether it may run inside strata, with everything that strata may do. */
  readonly isTrusted: boolean;
}

/**
 * An entry for a plugin file. What is run is what was hashed: the file is read once, so it can import no file beside it. Loading
 * rejects `UNSUPPORTED` for a plugin that is not trusted, because there is no sandbox for it, `CONTENT_MISMATCH` for a
 * file with another sha256, and `NOT_FOUND` or `OS_FAILED` for one that cannot be read.
 */
export function fileEntry(file: PluginFile): PluginEntry {
  return { name: file.name, sha256: file.sha256, config: file.options, load: () => loadFile(file) };
}

async function loadFile(file: PluginFile): Promise<{ readonly default: PluginFactory }> {
  checkTrust(file);
  const bytes = readFile(file);
  const actual = await createKit().sha256(bytes);
  if (actual !== `sha256:${file.sha256}`) {
    throw new EngineError("CONTENT_MISMATCH", `Cannot load plugin file "${file.path}": its digest is ${actual}`, {
      detail: { expected: `sha256:${file.sha256}`, actual, plugin: file.name },
      hint: "Look at what changed in the file, and put its new sha256 into the config",
    });
  }
  const type = /\.m?ts$/.test(file.path) ? "application/typescript" : "text/javascript";
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function checkTrust({ name, permissions, isTrusted }: PluginFile): void {
  if (isTrusted && permissions === undefined) return;
  const state = isTrusted ? "permissions cannot be enforced on a trusted plugin" : "it is not trusted";
  throw new EngineError("UNSUPPORTED", `Cannot load plugin "${name}": ${state}`, {
    detail: { what: "plugin sandbox", plugin: name },
    hint: isTrusted
      ? 'Remove "permissions" from the plugin in the config'
      : 'Set "trusted": true for the plugin in the config to run it with all that strata may do',
  });
}

function readFile({ name, path }: PluginFile): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(path);
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound;
    const state = isMissing ? "it does not exist" : cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(isMissing ? "NOT_FOUND" : "OS_FAILED", `Cannot load plugin file "${path}": ${state}`, {
      cause,
      detail: { kind: "file", name: path, plugin: name },
    });
  }
}
