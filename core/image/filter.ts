import { EngineError } from "../errors.ts";

/** Filters by key; the values of one key in the order given. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** Reads `key=value` texts. Throws `INVALID_ARGUMENT` for an unknown key or a text without a value. */
export function parseFilters(texts: readonly string[], known: readonly string[]): Filters {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const isNegated = /^\s*label!=/.test(text);
    const equals = text.indexOf("=");
    const key = isNegated ? "label!" : text.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    const value = text.slice(equals + 1).trim();
    if (equals < 0 || value === "") throw invalid(text, "expected key=value");
    if (!known.includes(key)) throw unknownFilter(key, known);
    const values = filters.get(key);
    if (values === undefined) filters.set(key, [value]);
    else values.push(value);
  }
  return filters;
}

/** Whether a boolean filter is on; undefined when it is not given. Throws `INVALID_ARGUMENT` for other words and for both. */
export function readBooleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = new Set((filters.get(key) ?? []).map((value) => {
    const word = value.toLowerCase();
    if (["1", "t", "true"].includes(word)) return true;
    if (["0", "f", "false"].includes(word)) return false;
    throw invalid(`${key}=${value}`, "expected true or false");
  }));
  if (values.size > 1) throw invalid(`${key}=true, ${key}=false`, "both are given");
  return [...values][0];
}

/**
 * Whether labels meet every `label` filter (`key` or `key=value`) and none of the `label!` ones.
 */
export function matchesLabels(labels: Readonly<Record<string, string>>, filters: Filters): boolean {
  const has = (text: string): boolean => {
    const equals = text.indexOf("=");
    const key = equals < 0 ? text : text.slice(0, equals);
    if (!Object.hasOwn(labels, key)) return false;
    return equals < 0 || labels[key] === text.slice(equals + 1);
  };
  return (filters.get("label") ?? []).every(has) && !(filters.get("label!") ?? []).some(has);
}

/**
 * A point in time: seconds since the epoch (also fractional), RFC 3339 with any of its parts from the right left out (then in
 * UTC), or a duration back from now such as `24h` or `1h30m` (Go's units, also `d`). Throws `INVALID_ARGUMENT`.
 */
export function parseTime(text: string, now: Date): Date {
  if (/^\d+(\.\d+)?$/.test(text)) return checked(new Date(Number(text) * 1000), text);
  const duration = parseDuration(text);
  if (duration !== undefined) return checked(new Date(now.getTime() - duration), text);
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2}))?(?::(\d{2}(?:\.\d+)?))?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (match === null) throw invalid(text, "expected a time such as 2024-01-31T12:00:00Z or a duration such as 24h");
  const [, day, hour = "00", minute = "00", second = "00", zone = "Z"] = match;
  return checked(new Date(`${day}T${hour}:${minute}:${second}${zone}`), text);
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    total += Number(count) * (unitMs[unit] ?? 0);
  }
  return total;
}

function checked(date: Date, text: string): Date {
  if (Number.isNaN(date.getTime())) throw invalid(text, "it is no time");
  return date;
}

function unknownFilter(key: string, known: readonly string[]): EngineError {
  const message = `Cannot filter images by "${key.slice(0, 100)}": unknown filter, expected one of ${known.join(", ")}`;
  return new EngineError("INVALID_ARGUMENT", message, {
    detail: { field: "filter", value: key.slice(0, 100), known: [...known] },
  });
}

function invalid(text: string, state: string): EngineError {
  const value = text.slice(0, 160);
  return new EngineError("INVALID_ARGUMENT", `Cannot read filter "${value}": ${state}`, {
    detail: { field: "filter", value },
  });
}
