import { EngineError } from "../../errors.ts";
import type { SandboxNeeds } from "../load_file.ts";
import type { Wire } from "./wire.ts";

/** What a machine offers to run plugins in that are not trusted. */
export interface SandboxPlace {
  /** Whether this process may start Workers with permissions of their own. Where it may not, trying ends the process. */
  readonly hasWorkers: boolean;
}

/** Starts a sandbox for one plugin, with the permissions that it was given. Rejects `UNSUPPORTED` where there is none. */
export async function openSandbox(name: string, needs: SandboxNeeds, place: SandboxPlace): Promise<Wire> {
  if (!place.hasWorkers) throw noSandbox(name);
  const { openWorkerWire } = await import("./worker_wire.ts");
  try {
    return openWorkerWire(name, needs);
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("UNSUPPORTED", `Cannot load plugin "${name}": no sandbox can be started: ${state}`, {
      cause,
      detail: { what: "plugin sandbox", plugin: name },
      hint: "Start strata with the permissions that the plugin is given in the config",
    });
  }
}

function noSandbox(name: string): EngineError {
  return new EngineError("UNSUPPORTED", `Cannot load plugin "${name}": this process has no sandbox for it`, {
    detail: { what: "plugin sandbox", plugin: name },
    hint:
      'Start Deno with --unstable-worker-options and give createEngine() sandbox: "worker", or set "trusted": true for the plugin in the config',
  });
}
