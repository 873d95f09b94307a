import { EngineError } from "../errors.ts";
import { parseAnnotation } from "../image/annotation.ts";
import type { ConfigChange, EditInput, RebaseInput } from "../image/edit.ts";
import type { Flag, Input } from "./command.ts";

/** Flags that say what is changed. */
export const editFlags: readonly Flag[] = [
  { name: "env", short: "e", type: "list", value: "NAME=VALUE", help: "Set a variable" },
  { name: "unset-env", type: "list", value: "NAME", help: "Take a variable away" },
  { name: "label", short: "l", type: "list", value: "KEY=VALUE", help: "Set a label" },
  { name: "unset-label", type: "list", value: "KEY", help: "Take a label away" },
  {
    name: "entrypoint",
    type: "string",
    value: "COMMAND",
    help: "Entrypoint: a JSON list, or a line for the shell; empty for none",
  },
  {
    name: "cmd",
    type: "string",
    value: "COMMAND",
    help: "Command: a JSON list, or a line for the shell; empty for none",
  },
  { name: "user", short: "u", type: "string", value: "USER", help: "User; empty for none" },
  { name: "workdir", short: "w", type: "string", value: "PATH", help: "Working directory; empty for none" },
  { name: "volume", type: "list", value: "PATH", help: "Add a volume" },
  { name: "unset-volume", type: "list", value: "PATH", help: "Take a volume away" },
  { name: "expose", type: "list", value: "PORT[/PROTOCOL]", help: "Add an exposed port" },
  { name: "unset-expose", type: "list", value: "PORT[/PROTOCOL]", help: "Take an exposed port away" },
  { name: "stop-signal", type: "string", value: "SIGNAL", help: "Signal that stops a container; empty for none" },
  { name: "author", type: "string", value: "NAME", help: "Author of the image; empty for none" },
  { name: "annotation", type: "list", value: "[SCOPE:]KEY=VALUE", help: "Set an annotation of the manifest or index" },
  { name: "unset-annotation", type: "list", value: "[SCOPE:]KEY", help: "Take an annotation away" },
  { name: "rebase", type: "string", value: "OLD=NEW", help: "Put the image from one base on another" },
  { name: "old-base", type: "string", value: "IMAGE", help: "Base to take away, with --new-base" },
  { name: "new-base", type: "string", value: "IMAGE", help: "Base to put in its place" },
];

/** What the flags change. Throws `INVALID_ARGUMENT`. */
export function readEditFlags(
  input: Input,
): Pick<EditInput, "change" | "annotations" | "unsetAnnotations" | "rebase"> {
  const rebase = readRebase(input);
  return {
    change: readChange(input),
    annotations: input.list("annotation").flatMap(parseAnnotation),
    unsetAnnotations: input.list("unset-annotation").flatMap((text) => parseAnnotation(`${text}=`)),
    ...(rebase === undefined ? {} : { rebase }),
  };
}

function readChange(input: Input): ConfigChange {
  const text = (name: string, member: keyof ConfigChange): ConfigChange => {
    const value = input.text(name);
    return value === undefined ? {} : { [member]: value };
  };
  const command = (name: "entrypoint" | "cmd"): ConfigChange => {
    const value = input.text(name);
    return value === undefined ? {} : { [name]: readCommand(value) };
  };
  return {
    env: readPairs(input, "env"),
    unsetEnv: input.list("unset-env"),
    labels: readPairs(input, "label"),
    unsetLabels: input.list("unset-label"),
    ...command("entrypoint"),
    ...command("cmd"),
    ...text("user", "user"),
    ...text("workdir", "workdir"),
    ...text("stop-signal", "stopSignal"),
    ...text("author", "author"),
    volumes: input.list("volume"),
    unsetVolumes: input.list("unset-volume"),
    ports: input.list("expose"),
    unsetPorts: input.list("unset-expose"),
  };
}

function readPairs(input: Input, flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    input.list(flag).map((text) => {
      const equals = text.indexOf("=");
      if (equals <= 0) throw invalid(flag, text, `a name, "=" and a value`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** A JSON list of words as a list, as in a build file; anything else is a line for the shell. */
function readCommand(text: string): string | readonly string[] {
  if (!text.trimStart().startsWith("[")) return text;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === "string") ? value : text;
  } catch {
    return text;
  }
}

function readRebase(input: Input): RebaseInput | undefined {
  const [both, oldBase, newBase] = [input.text("rebase"), input.text("old-base"), input.text("new-base")];
  if (both !== undefined) {
    const [, before = "", after = ""] = /^([^=]+)=(.+)$/.exec(both) ?? [];
    if (before === "" || oldBase !== undefined || newBase !== undefined) {
      throw invalid("rebase", both, "OLD=NEW, without --old-base and --new-base");
    }
    return { oldBase: before, newBase: after };
  }
  if (oldBase === undefined && newBase === undefined) return undefined;
  if (oldBase !== undefined && newBase !== undefined) return { oldBase, newBase };
  throw invalid(oldBase === undefined ? "new-base" : "old-base", oldBase ?? newBase ?? "", "--old-base and --new-base");
}

function invalid(flag: string, value: string, expected: string): EngineError {
  const shown = value.slice(0, 160);
  return new EngineError("INVALID_ARGUMENT", `Cannot use --${flag} "${shown}": expected ${expected}`, {
    detail: { field: flag, value: shown },
  });
}
