import { findCommand } from "./find_command.ts";
import { globalFlags } from "./help.ts";
import type { CommandEntry, Context } from "./command.ts";

/**
 * Words that can stand where the last of `words` stands (it may be empty or half typed): command names, flags, values of a
 * flag, image names. One candidate each, in no fixed order; nothing where a file name is wanted.
 */
export async function completionCandidates(words: readonly string[], context: Context): Promise<string[]> {
  const last = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const found = findCommand(context.commands, before.filter((word) => !word.startsWith("-")));
  if (found === undefined) return startsWith(last, nextWords(context.commands, before));
  const { command } = await found.entry.load();
  const flags = [...command.flags, ...globalFlags];
  const previous = before.at(-1) ?? "";
  const open = flags.find((flag) =>
    flag.type !== "boolean" && (previous === `--${flag.name}` || previous === `-${flag.short}`)
  );
  if (open !== undefined) return startsWith(last, open.choices ?? []);
  if (last.startsWith("-")) return startsWith(last, flags.map((flag) => `--${flag.name}`));
  if (found.entry.name === "completion") return startsWith(last, ["bash", "zsh", "fish"]);
  if (found.entry.name === "help") return startsWith(last, nextWords(context.commands, []));
  return command.complete === "image" ? startsWith(last, await imageNames(context)) : [];
}

function nextWords(commands: readonly CommandEntry[], before: readonly string[]): string[] {
  const prefix = before.filter((word) => !word.startsWith("-")).map((word) => word + " ").join("");
  const names = commands.flatMap((entry) => [entry.name, ...entry.aliases]).filter((name) => name.startsWith(prefix));
  return [...new Set(names.map((name) => name.slice(prefix.length).split(" ")[0] ?? ""))];
}

function startsWith(start: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => candidate.startsWith(start));
}

async function imageNames(context: Context): Promise<string[]> {
  const { listImages } = await import("../image/list.ts");
  const { rows } = await listImages(await context.openEngine(), { all: true }, context.call);
  return [...new Set(rows.flatMap((row) => row.names.length > 0 ? row.names : [row.alias]))];
}
