import type { Platform } from "../../oci/descriptor.ts";
import { parsePlatform } from "../../oci/platform.ts";
import type { ApiContext } from "../context.ts";
import { dockerError } from "./error.ts";

/** Whether a member of the query is on: everything but the words that docker takes for off. */
export function isOn(c: ApiContext, name: string, usual = false): boolean {
  const value = c.req.query(name);
  if (value === undefined) return usual;
  return !["", "0", "no", "false", "none"].includes(value.trim().toLowerCase());
}

/** A whole number of the query; undefined when it is left out, empty or 0. Throws for anything else. */
export function readNumber(c: ApiContext, name: string): number | undefined {
  const value = c.req.query(name) ?? "";
  if (value === "" || value === "0") return undefined;
  const number = Number(value);
  if (/^-?[0-9]{1,16}$/.test(value) && Number.isSafeInteger(number)) return number;
  throw dockerError(400, `invalid value for ${name}: "${value.slice(0, 40)}" is no whole number`);
}

/** A platform of the query, as text or as JSON; undefined when it is left out. */
export function readPlatform(c: ApiContext, name = "platform"): Platform | undefined {
  const text = c.req.query(name) ?? "";
  if (text === "") return undefined;
  if (!text.startsWith("{")) return parsePlatform(text);
  const { os, architecture, variant } = readObject(text, "platform");
  if (typeof os !== "string" || typeof architecture !== "string") throw dockerError(400, "failed to parse platform");
  return { os, architecture, ...(typeof variant === "string" && variant !== "" ? { variant } : {}) };
}

/** A JSON object of texts in the query; members that are null are left out. Throws for anything else. */
export function readTexts(c: ApiContext, name: string, what: string): Readonly<Record<string, string>> {
  const text = c.req.query(name) ?? "";
  if (text === "") return {};
  const members = Object.entries(readObject(text, what)).filter(([, value]) => value !== null);
  return Object.fromEntries(members.map(([key, value]) => {
    if (typeof value === "string") return [key, value];
    throw dockerError(400, `error reading ${what}: "${key.slice(0, 100)}" is no text`);
  }));
}

/** A JSON list in the query. Throws for anything else. */
export function readList(c: ApiContext, name: string, what: string): readonly unknown[] {
  const text = c.req.query(name) ?? "";
  if (text === "") return [];
  const value = readJson(text, what);
  if (Array.isArray(value)) return value;
  if (value === null) return [];
  throw dockerError(400, `error reading ${what}: expected a list`);
}

/**
 * Filters of the query, `{"key":{"value":true}}` or `{"key":["value"]}`, by key. Throws for what is none and for keys that are not known.
 */
export function readFilters(
  c: ApiContext,
  known: readonly string[] | undefined,
): ReadonlyMap<string, readonly string[]> {
  const text = c.req.query("filters") ?? "";
  const filters = new Map<string, readonly string[]>();
  if (text === "") return filters;
  const fault = dockerError(400, "invalid filter");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fault;
  for (const [key, values] of Object.entries(value)) {
    if (known !== undefined && !known.includes(key)) throw dockerError(400, `invalid filter '${key.slice(0, 100)}'`);
    filters.set(key, readFilterValues(values, fault));
  }
  return filters;
}

/** Filters as the use-cases take them, `key=value` each. */
export function filterTexts(filters: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return [...filters].flatMap(([key, values]) => values.map((value) => `${key}=${value}`));
}

/** Value of a boolean filter; undefined when it is not given. Throws for another word. */
export function readFilterSwitch(filters: ReadonlyMap<string, readonly string[]>, key: string): boolean | undefined {
  const values = filters.get(key);
  if (values === undefined || values.length === 0) return undefined;
  const [value = ""] = values;
  if (values.length === 1 && ["1", "true"].includes(value)) return true;
  if (values.length === 1 && ["0", "false"].includes(value)) return false;
  throw dockerError(400, `invalid filter '${key}=[${values.join(" ").slice(0, 100)}]'`);
}

function readFilterValues(values: unknown, fault: Error): readonly string[] {
  if (Array.isArray(values) && values.every((each): each is string => typeof each === "string")) return values;
  if (typeof values !== "object" || values === null || Array.isArray(values)) throw fault;
  return Object.entries(values).filter(([, isSet]) => isSet === true).map(([value]) => value);
}

function readObject(text: string, what: string): Readonly<Record<string, unknown>> {
  const value = readJson(text, what);
  if (value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return { ...value };
  throw dockerError(400, `error reading ${what}: expected an object`);
}

function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw dockerError(400, `error reading ${what}: it is no JSON`);
  }
}
