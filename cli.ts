/**
 * The `strata` command: config, plugins, engine, one command, exit code.
 *
 * @module
 */
import { readVariable } from "./core/config.ts";
import { runCli } from "./core/cli/main.ts";
import { openTerminal } from "./core/cli/process_terminal.ts";
import type { Engine, EngineOptions } from "./core/engine.ts";

async function openEngine(root: string | undefined, pluginOptions: EngineOptions["pluginOptions"]): Promise<Engine> {
  const [{ createEngine }, { builtins }] = await Promise.all([import("./core/engine.ts"), import("./plugins/mod.ts")]);
  const options = pluginOptions === undefined ? {} : { pluginOptions };
  return await createEngine({
    plugins: builtins,
    config: root === undefined ? {} : { root },
    ...(canAsk() ? {} : { sandbox: "worker" as const }),
    ...options,
  });
}

/** Whether Deno would ask the user for what a Worker has no permission for; the compiled program is made not to. */
function canAsk(): boolean {
  return !Deno.build.standalone && Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
}

/** Runs this program again with its privileges in a user namespace. */
async function runAgain(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { runInUserNamespace } = await import("./core/os/enter_user_namespace.ts");
  const config = new URL("deno.json", import.meta.url).pathname;
  const run = ["run", "-A", "--quiet", "--no-check", `--config=${config}`, Deno.mainModule];
  const command = [Deno.execPath(), ...(Deno.build.standalone ? [] : run), ...args];
  return await runInUserNamespace(command, signal);
}

/** Aborts on the first Ctrl-C or TERM, so that work in progress is undone; a second one ends the process at once. */
function listenForInterrupt(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort();
  };
  Deno.addSignalListener("SIGINT", interrupt);
  if (Deno.build.os === "windows") return controller.signal;
  Deno.addSignalListener("SIGTERM", interrupt);
  // Unless somebody listens, writing a file beyond the process's limit kills it; so the write fails and says why.
  Deno.addSignalListener("SIGXFSZ", () => {});
  return controller.signal;
}

/** Whether a compiled program was started by another one of it, to run a plugin; Deno would run a module for that. */
function isPluginProcess([first = ""]: readonly string[]): boolean {
  return Deno.build.standalone && first.startsWith("__plugin=");
}

if (import.meta.main && isPluginProcess(Deno.args)) {
  const { servePluginProcess } = await import("./core/host/sandbox/own_process.ts");
  servePluginProcess(Deno.args[0] ?? "");
} else if (import.meta.main) {
  const signal = listenForInterrupt();
  const code = await runCli(Deno.args, {
    terminal: openTerminal({ noColor: (readVariable("NO_COLOR") ?? "") !== "", signal }),
    signal,
    environment: readVariable,
    runInUserNamespace: (args) => runAgain(args, signal),
    openEngine,
  });
  Deno.exit(code);
}
