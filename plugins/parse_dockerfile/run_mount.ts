import type { Pair } from "./ast.ts";
import { readBoolean } from "./check_option.ts";
import { quote } from "./fault.ts";
import { nearestName } from "./suggest.ts";

/** An option of `--mount`, and whether its value is final: one with variables is not until they are replaced. */
export interface MountOption extends Pair {
  readonly isFinal: boolean;
}

/** What is wrong with a mount, which option is meant, and what to do. */
export interface MountProblem {
  readonly state: string;
  /** Index of the option; undefined when the mount as a whole is meant. */
  readonly option?: number;
  readonly hint?: string;
}

/** What is known of a mount after its options were read; a value that is not final counts as given but unknown. */
interface MountFacts {
  type: string | undefined;
  readonly given: Set<string>;
}

const maxNumberLength = 100;
const types = ["bind", "cache", "tmpfs", "secret", "ssh"];
const sharings = ["shared", "private", "locked"];
const bareKeys = ["readonly", "ro", "readwrite", "rw", "required"];
const aliases: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
  rw: "readwrite",
};
const keys = [
  "type",
  "from",
  "source",
  "target",
  "readonly",
  "readwrite",
  "id",
  "sharing",
  "required",
  "size",
  "mode",
  "uid",
  "gid",
  "env",
  ...Object.keys(aliases),
];

/** Tells what a key is short for. */
export function mountKey(key: string): string {
  return (Object.hasOwn(aliases, key) ? aliases[key] : undefined) ?? key;
}

/**
 * Finds what is wrong with a `--mount`: unknown or missing keys, values that are not allowed, and keys that its type does not take. As in
 * BuildKit `type` must stand before `required` and `size`. Values that are not final are taken as right. Undefined when all is well.
 */
export function checkMount(options: readonly MountOption[]): MountProblem | undefined {
  const facts: MountFacts = { type: "bind", given: new Set() };
  for (const [option, each] of options.entries()) {
    const problem = checkOption(each, facts);
    if (problem !== undefined) return { option, ...problem };
    if (each.value !== "" || !each.isFinal) facts.given.add(mountKey(each.key));
  }
  return checkWhole(facts);
}

type OptionProblem = Omit<MountProblem, "option">;

function checkOption({ key, value, isFinal }: MountOption, facts: MountFacts): OptionProblem | undefined {
  const name = mountKey(key);
  if (!keys.includes(name)) {
    if (key === "" && value === undefined) return { state: "an empty option", hint: "Leave the extra comma out" };
    const near = nearestName(key, keys);
    const state = `unknown option ${quote(key)}, expected ${keys.slice(0, 14).join(" ")}`;
    return near === undefined ? { state } : { state, hint: `Write ${near} instead` };
  }
  if (value === undefined && !bareKeys.includes(key)) {
    return { state: `option ${quote(key)} has no value`, hint: `Write ${key}=VALUE` };
  }
  if (name === "from") return checkFrom(value ?? "", isFinal);
  if (name === "type" && !isFinal) facts.type = undefined;
  const misplaced = checkPlace(name, facts);
  if (misplaced !== undefined || !isFinal || value === undefined) return misplaced;
  return checkValue(name, value, facts);
}

function checkFrom(value: string, isFinal: boolean): OptionProblem | undefined {
  const variable = value.indexOf("$");
  if (isFinal || variable === -1 || variable === value.length - 1) return undefined;
  return {
    state: `option "from" holds a variable ${quote(value)}, expected the name of a stage or an image`,
    hint: "Name the image in a FROM of its own and mount from that stage",
  };
}

/** Keys that only some types take, and only when the type is known by then. */
function checkPlace(name: string, facts: MountFacts): OptionProblem | undefined {
  const { type } = facts;
  if (type === undefined) return undefined;
  const wanted = name === "required" ? ["secret", "ssh"] : name === "size" ? ["tmpfs"] : undefined;
  if (wanted === undefined || wanted.includes(type)) return undefined;
  return {
    state: `option ${quote(name)} for type ${quote(type)}, expected type ${wanted.join(" or ")} before it`,
    hint: `Put type=${wanted[0]} first or leave ${name} out`,
  };
}

function checkValue(name: string, value: string, facts: MountFacts): OptionProblem | undefined {
  const wrong = (expected: string): OptionProblem => ({
    state: `value ${quote(value)} of ${name}, expected ${expected}`,
  });
  switch (name) {
    case "type":
      facts.type = value.toLowerCase();
      return types.includes(facts.type) ? undefined : nearest(wrong(`one of ${types.join(" ")}`), value, types);
    case "sharing":
      return sharings.includes(value.toLowerCase())
        ? undefined
        : nearest(wrong(`one of ${sharings.join(" ")}`), value, sharings);
    case "readonly":
    case "readwrite":
    case "required":
      return readBoolean(value) === undefined ? wrong("true or false") : undefined;
    case "mode":
      return isNumberBelow(value, /^[0-7]+$/, 8) ? undefined : wrong("an octal number");
    case "uid":
    case "gid":
      return isNumberBelow(value, /^[0-9]+$/, 10) ? undefined : wrong("a number");
    case "size":
      return readByteSize(value) === undefined ? wrong("a size like 64m") : undefined;
    default:
      return undefined;
  }
}

function nearest(problem: OptionProblem, value: string, known: readonly string[]): OptionProblem {
  const near = nearestName(value, known);
  return near === undefined ? problem : { ...problem, hint: `Write ${near} instead` };
}

function isNumberBelow(text: string, form: RegExp, base: number): boolean {
  return text.length <= maxNumberLength && form.test(text) && Number.parseInt(text, base) < 2 ** 32;
}

/** What the type does not take, whatever the order. */
function checkWhole({ type, given }: MountFacts): MountProblem | undefined {
  if (type === undefined) return undefined;
  const owned = ["mode", "uid", "gid"].find((key) => given.has(key));
  if (owned !== undefined && !["secret", "ssh", "cache"].includes(type)) {
    return { state: `option ${quote(owned)} for type ${quote(type)}, expected type secret, ssh or cache` };
  }
  if (type === "secret") {
    const refused = ["from", "sharing"].find((key) => given.has(key));
    if (refused !== undefined) return { state: `option ${quote(refused)} for type "secret", expected none` };
    if (!given.has("source") && !given.has("target") && !given.has("id")) {
      return { state: "no id of the secret", hint: "Add id=NAME" };
    }
    if (given.has("source") && given.has("id")) return { state: "both source and id, expected one of them" };
  }
  if (given.has("sharing") && type !== "cache") {
    return { state: `option "sharing" for type ${quote(type)}, expected type cache` };
  }
  return undefined;
}

const byteUnits = "bkmgtp";

/** Reads `64m`, `1.5GiB` and the like into bytes; undefined when the text is no size. */
export function readByteSize(text: string): number | undefined {
  if (text.length > maxNumberLength) return undefined;
  const [, digits = "", unit = "", suffix = ""] = /^([0-9]*\.?[0-9]*) ?(?:([a-z])(i?b)?)?$/i.exec(text) ?? [];
  if (!/[0-9]/.test(digits)) return undefined;
  const power = unit === "" ? 0 : byteUnits.indexOf(unit.toLowerCase());
  if (power === -1 || (power === 0 && suffix !== "")) return undefined;
  return Math.trunc(Number(digits) * 1024 ** power);
}
