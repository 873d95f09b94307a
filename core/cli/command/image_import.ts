import { EngineError } from "../../errors.ts";
import { importImage } from "../../image/import.ts";
import type { Command, Context, Input } from "../command.ts";
import { platformFlag, readPlatform } from "../platform_flag.ts";

/** `strata image import`. */
export const command: Command = {
  usage: "[OPTIONS] FILE|- [NAME[:TAG]]",
  description: "Makes an image with one layer of a tar of files, plain or compressed, and prints its ID.",
  flags: [
    {
      name: "change",
      short: "c",
      type: "list",
      value: "INSTRUCTION",
      help: "Instruction for the config, e.g. 'CMD [\"sh\"]'",
    },
    { name: "message", short: "m", type: "string", value: "TEXT", help: "Comment in the history" },
    platformFlag,
  ],
  words: { min: 1, max: 2 },
  complete: "file",
  async run(input: Input, context: Context): Promise<number> {
    const [path = "", reference] = input.words;
    if (path === "-" && context.terminal.isStdinTerminal) {
      throw new EngineError("INVALID_ARGUMENT", "Cannot import from a terminal", {
        detail: { field: "file", value: path },
        hint: "Name a file or send a tar to standard input",
      });
    }
    const message = input.text("message");
    const engine = await context.openEngine();
    const result = await importImage(engine, {
      ...(path === "-" ? { content: context.terminal.stdin } : { content: await openFile(path), label: path }),
      changes: input.list("change"),
      ...(reference === undefined ? {} : { reference }),
      ...(message === undefined ? {} : { message }),
      ...readPlatform(input),
    }, context.call);
    context.terminal.out(`${result.id}\n`);
    return 0;
  },
};

async function openFile(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  if (/^https?:/.test(path)) {
    // Not shown: a URL may hold a password.
    throw new EngineError("INVALID_ARGUMENT", "Cannot import from a URL: expected a file or -", {
      detail: { field: "file" },
      hint: "Download it: curl -L URL | strata import -",
    });
  }
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
    detail: { field: "file", value: path },
    hint: "Pack it: tar -C DIR -c . | strata import -",
  });
}
