import { EngineError } from "../../errors.ts";
import { importCache } from "../../image/cache_import.ts";
import { printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";

/** `strata cache import`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description:
    "Reads cache mounts from a tar that strata cache export wrote, plain or compressed, in place of those with the same ids. Without --input it reads standard input.",
  flags: [
    { name: "input", short: "i", type: "string", value: "PATH", help: "File to read" },
    { name: "quiet", short: "q", type: "boolean", help: "Say nothing" },
  ],
  needsOwners: true,
  words: { min: 0, max: 0 },
  complete: "file",
  examples: [["strata cache import -i cache.tar", "what another machine exported"]],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const path = input.text("input") ?? "-";
    if (path === "-" && terminal.isStdinTerminal) {
      throw new EngineError("INVALID_ARGUMENT", "Cannot import from a terminal", {
        detail: { field: "input", value: path },
        hint: "Add --input FILE or send an archive to standard input",
      });
    }
    const source = path === "-" ? { content: terminal.stdin } : { content: await openFile(path), label: path };
    const { ids } = await importCache(await context.openEngine(), source, context.call);
    if (input.isOn("quiet")) return 0;
    terminal.out(ids.map((id) => `Imported cache mount: ${printableLine(id)}\n`).join(""));
    return 0;
  },
};

async function openFile(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  try {
    if (!(await Deno.stat(path)).isDirectory) return (await Deno.open(path)).readable;
  } catch (cause) {
    const state = cause instanceof Deno.errors.NotFound ? "no such file" : "it cannot be opened";
    throw new EngineError("NOT_FOUND", `Cannot import "${path}": ${state}`, {
      cause,
      detail: { kind: "file", name: path },
    });
  }
  throw new EngineError("INVALID_ARGUMENT", `Cannot import "${path}": it is a directory, expected a tar`, {
    detail: { field: "input", value: path },
  });
}
