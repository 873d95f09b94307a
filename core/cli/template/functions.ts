import type { Value } from "./node.ts";

/** A function of the template language; throws a plain message through {@linkcode TemplateFault}. */
export type TemplateFunction = (...args: Value[]) => Value;

/** Why a template cannot be carried out; the executor names the template. */
export class TemplateFault extends Error {}

/** Text of a value as Go's fmt prints it: lists as `[a b]`, maps as `map[k:v]` by key, nil as `<nil>`, what is absent as `<no value>`. */
export function print(value: Value): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(print).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, member]) => `${key}:${isEmptySet(member) ? "{}" : print(member)}`).join(" ")}]`;
}

/** Whether it is an object without members; in a map, such as that of the ports, it stands for Go's `struct{}`. */
function isEmptySet(value: Value): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** Whether a value counts as true: not empty, not zero, not nil. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function text(value: Value | undefined, name: string): string {
  if (typeof value === "string") return value;
  throw new TemplateFault(`${name} takes text, got ${print(value)}`);
}

function whole(value: Value | undefined, name: string): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new TemplateFault(`${name} takes a whole number, got ${print(value)}`);
}

function compare(a: Value, b: Value, name: string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new TemplateFault(`${name} cannot compare ${print(a)} with ${print(b)}`);
}

function isEqual(a: Value, b: Value): boolean {
  return a === b || (a ?? null) === (b ?? null);
}

function index(value: Value, ...keys: Value[]): Value {
  let result = value;
  for (const key of keys) {
    if (Array.isArray(result)) {
      const at = whole(key, "index");
      if (at < 0 || at >= result.length) {
        throw new TemplateFault(`index ${at} is out of range, there are ${result.length}`);
      }
      result = result[at];
    } else if (typeof result === "string") result = new TextEncoder().encode(result)[whole(key, "index")];
    else if (typeof result === "object" && result !== null) {
      // A missing key of a map of strings is the empty string in Go.
      const map: { readonly [key: string]: Value } = result as { readonly [key: string]: Value };
      result = Object.hasOwn(map, text(key, "index")) ? map[text(key, "index")] : "";
    } else throw new TemplateFault(`index takes a list or a map, got ${print(result)}`);
  }
  return result;
}

function pad(value: Value, before: Value, after: Value): string {
  const inner = text(value, "pad");
  return inner === "" ? "" : " ".repeat(whole(before, "pad")) + inner + " ".repeat(whole(after, "pad"));
}

function printf(format: Value, ...args: Value[]): string {
  let next = 0;
  return text(format, "printf").replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags, width, precision, verb) => {
      if (verb === "%") return "%";
      const value = args[next++];
      const shown = formatVerb(verb, value, precision === undefined ? undefined : Number(precision));
      const size = Number(width ?? 0);
      if (flags.includes("-")) return shown.padEnd(size);
      return flags.includes("0") && typeof value === "number" ? shown.padStart(size, "0") : shown.padStart(size);
    },
  );
}

function formatVerb(verb: string, value: Value, precision: number | undefined): string {
  switch (verb) {
    case "q":
      return JSON.stringify(print(value));
    case "d":
      return String(whole(value, "%d"));
    case "f":
      return Number(value).toFixed(precision ?? 6);
    case "x":
      return typeof value === "number" ? value.toString(16) : new TextEncoder().encode(print(value)).toHex();
    case "s":
    case "v":
    case "t":
      return precision === undefined ? print(value) : print(value).slice(0, precision);
    default:
      throw new TemplateFault(`printf verb %${verb} is not known`);
  }
}

function title(value: Value): string {
  return text(value, "title").replace(
    /(^|[^\p{L}\p{N}'])(\p{L})/gu,
    (_, before, letter) => before + letter.toUpperCase(),
  );
}

function slice(value: Value, from: Value = 0, to?: Value): Value {
  if (typeof value !== "string" && !Array.isArray(value)) throw new TemplateFault(`slice takes text or a list`);
  const end = to === undefined ? value.length : whole(to, "slice");
  const start = whole(from, "slice");
  if (start < 0 || end > value.length || start > end) {
    throw new TemplateFault(`slice bounds ${start}:${end} are out of range`);
  }
  return value.slice(start, end);
}

/** Go's `Sprint`: a space only between two neighbours that are both no text. */
function sprint(...args: Value[]): string {
  const isText = (value: Value): boolean => typeof value === "string";
  return args.map((value, i) => (i === 0 || isText(value) || isText(args[i - 1]) ? "" : " ") + print(value)).join("");
}

const htmlNames: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt" };

function unicodeEscape(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function percentEscape(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Functions by name: those of Go's text/template that make sense for data, and docker's own. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>(Object.entries(
  {
    json: (value) => JSON.stringify(value ?? null),
    split: (value, by) => text(value, "split").split(text(by, "split")),
    join: (list, by) => {
      if (!Array.isArray(list)) throw new TemplateFault(`join takes a list, got ${print(list)}`);
      return list.map(print).join(text(by, "join"));
    },
    title,
    upper: (value) => text(value, "upper").toUpperCase(),
    lower: (value) => text(value, "lower").toLowerCase(),
    pad,
    truncate: (value, length) => text(value, "truncate").slice(0, whole(length, "truncate")),
    print: sprint,
    println: (...args) => args.map(print).join(" ") + "\n",
    printf,
    len: (value) => {
      if (typeof value === "string" || Array.isArray(value)) return value.length;
      if (typeof value === "object" && value !== null) return Object.keys(value).length;
      throw new TemplateFault(`len of ${print(value)}`);
    },
    index,
    slice,
    not: (value) => !isTrue(value),
    and: (...args) => args.slice(0, -1).reduceRight((last, value) => (isTrue(value) ? last : value), args.at(-1)),
    or: (...args) => args.slice(0, -1).reduceRight((last, value) => (isTrue(value) ? value : last), args.at(-1)),
    html: (...args) =>
      sprint(...args).replace(/[&<>"']/g, (sign) => `&${htmlNames[sign] ?? `#${sign.charCodeAt(0)}`};`),
    js: (...args) => sprint(...args).replace(/[\\'"]/g, "\\$&").replace(/[<>&=\p{Cc}]/gu, unicodeEscape),
    urlquery: (...args) =>
      encodeURIComponent(sprint(...args)).replace(/[!'()*]/g, percentEscape).replaceAll("%20", "+"),
    eq: (first, ...rest) => rest.some((value) => isEqual(first, value)),
    ne: (a, b) => !isEqual(a, b),
    lt: (a, b) => compare(a, b, "lt") < 0,
    le: (a, b) => compare(a, b, "le") <= 0,
    gt: (a, b) => compare(a, b, "gt") > 0,
    ge: (a, b) => compare(a, b, "ge") >= 0,
  } satisfies Record<string, TemplateFunction>,
));
