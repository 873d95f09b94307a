import type { Command, CommandEntry, Flag } from "./command.ts";

/** Flags that every command takes. */
export const globalFlags: readonly Flag[] = [
  { name: "root", type: "string", value: "DIR", help: "Folder of the store (STRATA_ROOT)" },
  { name: "help", short: "h", type: "boolean", help: "Show help" },
];

/** The list of commands; of one group when it is given. */
export function overviewText(commands: readonly CommandEntry[], group?: string): string {
  const shown = commands.filter((entry) =>
    group === undefined || namesOf(entry).some((name) => name.startsWith(`${group} `))
  );
  const rows = shown.map((entry) => {
    const inGroup = namesOf(entry).find((name) => name.startsWith(`${group} `));
    return [inGroup ?? entry.name, entry.summary] as const;
  });
  const usage = group === undefined ? "strata [--root DIR] COMMAND" : `strata ${group} COMMAND`;
  return [
    `Usage: ${usage}`,
    "",
    "Builds, stores, inspects and ships container images without a daemon",
    "",
    "Commands:",
    ...columns(rows),
    "",
    'Run "strata COMMAND --help" for a command; "strata --version" shows the version.',
    "",
  ].join("\n");
}

function namesOf(entry: CommandEntry): readonly string[] {
  return [entry.name, ...entry.aliases];
}

/** Help of one command. */
export function commandText(entry: CommandEntry, command: Command): string {
  const lines = [`Usage: strata ${entry.name} ${command.usage}`.trimEnd(), "", command.description, ""];
  if (entry.aliases.length > 0) {
    lines.push("Aliases:", `  ${namesOf(entry).map((name) => `strata ${name}`).join(", ")}`, "");
  }
  const flags = [
    ...command.flags,
    ...globalFlags.filter((flag) => !command.flags.some(({ name }) => name === flag.name)),
  ];
  lines.push("Options:", ...columns(flags.map((flag) => [flagText(flag, command.flags), flag.help])), "");
  if (command.examples !== undefined) lines.push("Examples:", ...columns(command.examples), "");
  return lines.join("\n");
}

function flagText(flag: Flag, own: readonly Flag[]): string {
  const isTaken = flag.short !== undefined && own.some((each) => each !== flag && each.short === flag.short);
  const short = flag.short === undefined || isTaken ? "    " : `-${flag.short}, `;
  const value = flag.type === "boolean" ? "" : ` ${flag.value ?? "VALUE"}`;
  return `${short}--${flag.name}${value}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`.trimEnd());
}
