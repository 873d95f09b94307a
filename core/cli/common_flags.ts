import type { Flag } from "./command.ts";

/** `--format` of a list. */
export const formatFlag: Flag = {
  name: "format",
  type: "string",
  value: "FORMAT",
  help: "table, json, a Go template, or table TEMPLATE",
  choices: ["table", "json"],
};

/** `--filter` of a list. */
export function filterFlag(keys: string): Flag {
  return { name: "filter", type: "list", value: "KEY=VALUE", help: `Only what matches: ${keys}` };
}
