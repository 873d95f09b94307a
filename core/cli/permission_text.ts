import { EngineError } from "../errors.ts";
import type { PermissionKind, PluginPermissions } from "../config_file.ts";
import type { Flag, Input } from "./command.ts";

const kinds: readonly (readonly [PermissionKind, value: string, help: string])[] = [
  ["net", "HOSTS", "Hosts that it may reach, HOST[:PORT], separated by commas; all for *"],
  ["read", "PATHS", "Files and folders that it may read; all for *"],
  ["write", "PATHS", "Files and folders that it may write; all for *"],
  ["env", "NAMES", "Environment variables that it may read; all for *"],
  ["sys", "NAMES", "Facts of the machine that it may ask for, such as hostname; all for *"],
];

/** Flags that say what a plugin is given. */
export const permissionFlags: readonly Flag[] = kinds.map(([kind, value, help]) => ({
  name: `allow-${kind}`,
  type: "list",
  value,
  help,
}));

/** What the flags give: an empty value gives nothing of its kind. `absolute` makes paths absolute. Throws `INVALID_ARGUMENT`. */
export function readPermissions(input: Input, absolute: (path: string) => string): PluginPermissions {
  const given: Partial<Record<PermissionKind, boolean | readonly string[]>> = {};
  for (const [kind] of kinds) {
    const values = input.list(`allow-${kind}`);
    if (values.length === 0) continue;
    const words = values.flatMap((value) => value.split(",")).filter((word) => word !== "");
    if (words.includes("*")) given[kind] = true;
    else given[kind] = kind === "read" || kind === "write" ? words.map(absolute) : words;
  }
  return given;
}

/** Permissions as one line; `none` when there are none. */
export function permissionText(permissions: PluginPermissions): string {
  const parts = kinds.flatMap(([kind]) => {
    const granted = permissions[kind];
    if (granted === undefined || granted === false) return [];
    if (granted === true) return [`${kind}=*`];
    return granted.length === 0 ? [] : [`${kind}=${granted.join(",")}`];
  });
  if (permissions.scripts === true) parts.push("scripts");
  return parts.length === 0 ? "none" : parts.join(" ");
}

/** `KEY=VALUE` of `--option` as members: JSON where it is some, else text. Throws `INVALID_ARGUMENT`. */
export function readOptions(values: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(values.map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), valueOf(text.slice(at + 1))];
    throw new EngineError("INVALID_ARGUMENT", `Cannot use --option "${text}": expected KEY=VALUE`, {
      detail: { field: "option", value: text },
    });
  }));
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
