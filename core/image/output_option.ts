import { EngineError } from "../errors.ts";
import type { BuildOutput } from "./build_input.ts";
import { type CompressionChoice, compressionNames, encodingOf } from "./compression_choice.ts";
import { splitCsv } from "./csv_line.ts";

/** What each type takes besides `type`. */
const known: Readonly<Record<string, readonly string[]>> = {
  image: ["name", "push", "compression", "compression-level"],
  registry: ["name", "compression", "compression-level"],
  local: ["dest", "platform-split"],
  tar: ["dest", "platform-split"],
  oci: ["dest", "name", "tar"],
  docker: ["dest", "name"],
  cacheonly: [],
};

/**
 * Reads `--output`: comma-separated `key=value`, fields that hold commas in double quotes; a text without `=` is the
 * folder of `type=local`, and `-` is a tar on standard output. `type=docker` without `dest` means the store. Throws
 * `INVALID_ARGUMENT`, and `UNSUPPORTED` for fields that are not known.
 */
export function parseOutput(text: string): BuildOutput {
  if (text === "-") return { type: "tar", dest: "-" };
  if (text !== "" && !text.includes("=")) return { type: "local", dest: text };
  const fields = readFields(text);
  const type = fields.get("type") ?? "";
  const allowed = known[type];
  if (allowed === undefined) throw unknownType(type, text);
  for (const key of fields.keys()) {
    if (key !== "type" && !allowed.includes(key)) throw unknownField(key, type, allowed);
  }
  const dest = fields.get("dest");
  const name = fields.get("name");
  const names = name === undefined
    ? {}
    : { names: name.split(",").map((each) => each.trim()).filter((each) => each !== "") };
  if (type === "cacheonly") return { type };
  if (type === "registry") return { type, ...names, push: readPush(fields, text) };
  if (type === "image" && flag("push", fields.get("push"), text).push === true) {
    return { type, ...names, push: readPush(fields, text) };
  }
  if (type === "image" || (type === "docker" && dest === undefined)) return { type: "image", ...names };
  if (dest === undefined || dest === "") {
    throw invalid(
      text,
      `type=${type} needs dest`,
      `Add dest=<path>${type === "local" ? "" : ", or dest=- for standard output"}`,
    );
  }
  if (type === "oci" || type === "docker") return { type, dest, ...names, ...flag("tar", fields.get("tar"), text) };
  if (type === "local" && dest === "-") throw invalid(text, "a folder cannot be standard output");
  const split = flag("platformSplit", fields.get("platform-split"), text);
  return type === "local" ? { type, dest, ...split } : { type: "tar", dest, ...split };
}

function readPush(fields: ReadonlyMap<string, string>, text: string): CompressionChoice {
  const codec = fields.get("compression");
  const level = fields.get("compression-level");
  const compression = compressionNames.find((name) => name === codec);
  if (codec !== undefined && compression === undefined) {
    throw invalid(text, `unknown compression "${codec}", expected one of ${compressionNames.join(", ")}`);
  }
  const choice = {
    ...(compression === undefined ? {} : { compression }),
    ...(level === undefined ? {} : { compressionLevel: Number(level) }),
  };
  encodingOf(choice);
  return choice;
}

function flag<K extends string>(key: K, value: string | undefined, text: string): { readonly [P in K]?: boolean } {
  if (value === undefined) return {};
  if (value !== "true" && value !== "false") throw invalid(text, `"${value}" is neither true nor false`);
  const set: { [P in string]: boolean } = { [key]: value === "true" };
  return set as { [P in K]: boolean };
}

function readFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const parts = splitCsv(text);
  if (parts === undefined) throw invalid(text, "its quotes do not pair");
  for (const field of parts) {
    const equals = field.indexOf("=");
    const key = field.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (key === "") throw invalid(text, `"${field}" is no key=value`);
    if (fields.has(key)) throw invalid(text, `"${key}" is given twice`);
    fields.set(key, field.slice(equals + 1).trim());
  }
  return fields;
}

function unknownType(type: string, text: string): EngineError {
  if (type === "") {
    return invalid(text, "it has no type", "Start it with type=local, tar, oci, docker, image or registry");
  }
  return invalid(text, `unknown type "${type}", expected one of ${Object.keys(known).join(", ")}`);
}

function unknownField(key: string, type: string, allowed: readonly string[]): EngineError {
  const expected = allowed.length === 0 ? "no other field" : `one of ${allowed.join(", ")}`;
  return new EngineError("UNSUPPORTED", `Cannot use output field "${key}" with type=${type}: expected ${expected}`, {
    detail: { what: `output field ${key}`, known: allowed },
  });
}

function invalid(text: string, state: string, hint?: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read output "${text.slice(0, 200)}": ${state}`, {
    detail: { field: "output", value: text.slice(0, 200) },
    ...(hint === undefined ? {} : { hint }),
  });
}
