import type { Args } from "@std/cli/parse-args";
import { EngineError } from "../errors.ts";
import type { Command, Flag, Input } from "./command.ts";
import { suggest } from "./suggest.ts";

/**
 * Parses the words behind a command's name. Flags may stand anywhere before `--`; `-abc` is three letters, `-tNAME`, `-t NAME`,
 * `--tag=NAME` and `--tag NAME` are the same; a later value replaces an earlier one unless the flag is a list. Rejects
 * `INVALID_ARGUMENT` for what the command does not know.
 */
export async function readInput(name: string, command: Command, args: readonly string[]): Promise<Input> {
  const flags = command.flags;
  const { flagWords, words } = separate(name, flags, args);
  checkWords(name, command, words);
  const parsed = await parseFlags(flags, flagWords);
  return {
    words,
    isOn: (name) => parsed[prefix + name] === true,
    isOff: (name) => flagWords.includes(`--${prefix}${name}=false`) && parsed[prefix + name] !== true,
    text: (name) => {
      const value = parsed[prefix + name];
      return typeof value === "string" ? value : undefined;
    },
    list: (name) => {
      const value = parsed[prefix + name];
      return Array.isArray(value) ? value.map(String) : [];
    },
  };
}

/**
 * Values of the flags by key. The library is not loaded for a command line on which each flag stands once, so that there is
 * nothing to decide: it takes a quarter as long to load as Deno to start.
 */
async function parseFlags(flags: readonly Flag[], flagWords: readonly string[]): Promise<Args> {
  const once = new Map(flagWords.map((word) => readWord(flags, word)));
  if (once.size === flagWords.length) return { _: [], ...Object.fromEntries(once) };
  const { parseArgs } = await import("@std/cli/parse-args");
  const byType = (type: Flag["type"]): string[] => flags.filter((flag) => flag.type === type).map(keyOf);
  return parseArgs(flagWords, {
    boolean: byType("boolean"),
    string: [...byType("string"), ...byType("list")],
    collect: byType("list"),
  });
}

/** Key and value of a flag that stands once, as the library has them. */
function readWord(flags: readonly Flag[], word: string): [key: string, value: boolean | string | string[]] {
  const equals = word.indexOf("=");
  if (equals < 0) return [word.slice(2), true];
  const key = word.slice(2, equals);
  const value = word.slice(equals + 1);
  const type = flags.find((flag) => keyOf(flag) === key)?.type;
  return [key, type === "boolean" ? value === "true" : type === "list" ? [value] : value];
}

/** Before each name that goes to the library, which would take `no-` at the start of a name for a negation. */
const prefix = "flag-";

function keyOf(flag: Flag): string {
  return prefix + flag.name;
}

/** Brings every flag into the form `--name=value` or `--name`, and sets the other words apart. */
function separate(
  name: string,
  flags: readonly Flag[],
  args: readonly string[],
): { flagWords: string[]; words: string[] } {
  const flagWords: string[] = [];
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") {
      words.push(...args.slice(i + 1));
      break;
    }
    if (arg === "-" || !arg.startsWith("-")) {
      words.push(arg);
      continue;
    }
    const given = arg.startsWith("--") ? [splitLong(name, flags, arg)] : splitShort(name, flags, arg);
    for (const { flag, value } of given) {
      if (flag.type === "boolean") {
        if (readBoolean(name, flag, value)) flagWords.push(`--${keyOf(flag)}`);
        else flagWords.push(`--${keyOf(flag)}=false`);
      } else if (value !== undefined) flagWords.push(`--${keyOf(flag)}=${value}`);
      else if (i + 1 < args.length) flagWords.push(`--${keyOf(flag)}=${args[++i] ?? ""}`);
      else throw refused(name, arg, "its value is missing", `Write it as --${flag.name} ${flag.value ?? "VALUE"}`);
    }
  }
  return { flagWords, words };
}

function splitLong(name: string, flags: readonly Flag[], arg: string): { flag: Flag; value: string | undefined } {
  const equals = arg.indexOf("=");
  const word = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const flag = flags.find((each) => each.name === word);
  if (flag === undefined) throw unknown(name, `--${word}`, flags);
  return { flag, value: equals < 0 ? undefined : arg.slice(equals + 1) };
}

function splitShort(name: string, flags: readonly Flag[], arg: string): { flag: Flag; value: string | undefined }[] {
  const given: { flag: Flag; value: string | undefined }[] = [];
  for (let i = 1; i < arg.length; i++) {
    const flag = flags.find((each) => each.short === arg.charAt(i));
    if (flag === undefined) throw unknown(name, `-${arg.charAt(i)}`, flags);
    const rest = arg.slice(i + 1);
    const isLast = rest === "" || flag.type !== "boolean" || rest.startsWith("=");
    given.push({ flag, value: isLast && rest !== "" ? rest.replace(/^=/, "") : undefined });
    if (isLast) break;
  }
  return given;
}

function readBoolean(name: string, flag: Flag, value: string | undefined): boolean {
  if (value === undefined || ["1", "t", "T", "true", "TRUE", "True"].includes(value)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(value)) return false;
  throw refused(name, `--${flag.name}=${value}`, "it takes no value but true or false", `Write --${flag.name}`);
}

function checkWords(name: string, command: Command, words: readonly string[]): void {
  const { min, max } = command.words;
  if (words.length >= min && words.length <= max) return;
  const expected = min === max ? `${min}` : max === Infinity ? `at least ${min}` : `${min} to ${max}`;
  const argumentsOf = (count: string): string => `${count} argument${/^(at least )?1$/.test(count) ? "" : "s"}`;
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot run "strata ${name}": got ${argumentsOf(`${words.length}`)}, expected ${argumentsOf(expected)}`,
    {
      detail: { field: "arguments", value: words.length },
      hint: `Usage: strata ${name} ${command.usage}`,
    },
  );
}

function unknown(name: string, word: string, flags: readonly Flag[]): EngineError {
  const near = suggest(word.replace(/^-+/, ""), flags.map((flag) => flag.name));
  const hint = near === undefined ? `Run "strata ${name} --help" for its flags` : `Did you mean --${near}?`;
  return refused(name, word, "no such flag", hint);
}

function refused(name: string, word: string, why: string, hint: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot use flag "${word}" with "strata ${name}": ${why}`, {
    detail: { field: word, value: word },
    hint,
  });
}
