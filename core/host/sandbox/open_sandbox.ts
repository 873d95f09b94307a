import { EngineError } from "../../errors.ts";
import type { SandboxNeeds } from "../load_file.ts";
import type { SandboxKind } from "../plugin_entry.ts";
import type { PluginProcess } from "./process_wire.ts";
import type { Wire } from "./wire.ts";

/** What a machine offers to run plugins in that are not trusted. */
export interface SandboxPlace {
  /** The kind that is wanted; the best that there is when undefined. */
  readonly kind: SandboxKind | undefined;
  /** Kinds that this process can use. */
  readonly kinds: readonly SandboxKind[];
  /** Starts a process on a module of this folder. */
  startProcess(kind: "bubblewrap" | "process", main: URL, needs: SandboxNeeds): Promise<PluginProcess>;
}

/** How long a process may take to start, in milliseconds. */
const startMs = 30_000;

const bestFirst: readonly SandboxKind[] = ["bubblewrap", "worker", "process"];

/**
 * Starts a sandbox for one plugin, with the permissions that it was given: the kind that is wanted, else the first that can be started. Rejects
 * `UNSUPPORTED` where there is none.
 */
export async function openSandbox(name: string, needs: SandboxNeeds, place: SandboxPlace): Promise<Wire> {
  const failures: unknown[] = [];
  for (const kind of place.kind === undefined ? bestFirst : [place.kind]) {
    if (!place.kinds.includes(kind)) continue;
    try {
      return await open(kind, name, needs, place);
    } catch (error) {
      failures.push(error);
    }
  }
  throw noSandbox(name, place.kind, failures);
}

async function open(kind: SandboxKind, name: string, needs: SandboxNeeds, place: SandboxPlace): Promise<Wire> {
  if (kind === "worker") {
    const { openWorkerWire } = await import("./worker_wire.ts");
    return openWorkerWire(name, needs);
  }
  const { openProcessWire } = await import("./process_wire.ts");
  const main = new URL("./process_main.ts", import.meta.url);
  return await openProcessWire(await place.startProcess(kind, main, needs), startMs);
}

function noSandbox(name: string, kind: SandboxKind | undefined, failures: readonly unknown[]): EngineError {
  const [cause] = failures;
  const what = kind === undefined ? "no sandbox" : `no sandbox of the kind "${kind}"`;
  const state = cause instanceof Error ? `: ${cause.message}` : "";
  return new EngineError("UNSUPPORTED", `Cannot load plugin "${name}": ${what} can be started here${state}`, {
    ...(cause === undefined ? {} : { cause }),
    detail: { what: "plugin sandbox", plugin: name },
    hint:
      'Install bubblewrap, or start Deno with --unstable-worker-options and give createEngine() sandbox: "worker", or set "trusted": true for the plugin in the config',
  });
}
