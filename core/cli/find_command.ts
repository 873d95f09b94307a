import type { CommandEntry } from "./command.ts";

/** The command that the first words call, and how many words that took; undefined when there is none. */
export function findCommand(
  commands: readonly CommandEntry[],
  words: readonly string[],
): { entry: CommandEntry; length: number } | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const entry = commands.find((each) => each.name === name || each.aliases.includes(name));
    if (entry !== undefined && words.length >= length) return { entry, length };
  }
  return undefined;
}

/** Names of groups such as `image`, sorted. */
export function groupNames(commands: readonly CommandEntry[]): string[] {
  const names = commands.flatMap((entry) => [entry.name, ...entry.aliases]).filter((name) => name.includes(" "));
  return [...new Set(names.map((name) => name.split(" ")[0] ?? ""))].sort();
}
