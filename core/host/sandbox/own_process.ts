import type { SandboxNeeds } from "../load_file.ts";
import { openStdioWire } from "./stdio_wire.ts";
import type { Head } from "./wire.ts";
import { openWorkerWire } from "./worker_wire.ts";

/** What the first argument of a compiled strata starts with that runs a plugin; cli.ts looks for it. */
const mark = "__plugin=";

/** The one argument that a compiled strata starts itself again with to run a plugin. */
export function pluginArgument({ permissions, usesArchives }: SandboxNeeds): string {
  return mark + JSON.stringify({ permissions, usesArchives });
}

/**
 * Runs in a process that a compiled strata has started: passes messages on between standard input and output and a Worker with the
 * permissions of one plugin. The permissions of the process itself were chosen when it was compiled, so that they cannot be fewer.
 */
export function servePluginProcess(argument: string): void {
  // Only strata itself calls this, with what pluginArgument gave.
  const needs = JSON.parse(argument.slice(mark.length)) as SandboxNeeds;
  const outside = openStdioWire();
  const inside = openWorkerWire("plugin", needs);
  inside.listen((head, body) => outside.send(head as Head, body), (reason) => {
    Deno.stderr.writeSync(new TextEncoder().encode(reason));
    Deno.exit(1);
  });
  outside.listen((head, body) => inside.send(head as Head, body), () => {});
  outside.send({ t: "ready" });
}
