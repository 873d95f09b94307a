import { EngineError } from "../errors.ts";
import type { BuildOutput } from "./build_input.ts";
import { splitCsv } from "./csv_line.ts";

/** What each type takes besides `type`. */
const known: Readonly<Record<string, readonly string[]>> = {
  image: ["name"],
  local: ["dest", "platform-split"],
  tar: ["dest", "platform-split"],
  oci: ["dest", "name", "tar"],
  docker: ["dest", "name"],
  cacheonly: [],
};

/**
 * Reads `--output`: comma-separated `key=value`, fields that hold commas in double quotes; a text without `=` is the
 * folder of `type=local`, and `-` is a tar on standard output. `type=docker` without `dest` means the store. Throws
 * `INVALID_ARGUMENT`, and `UNSUPPORTED` for types that need a registry.
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
  if (type === "") return invalid(text, "it has no type", "Start it with type=local, tar, oci, docker or image");
  const types = Object.keys(known);
  if (type !== "registry") return invalid(text, `unknown type "${type}", expected one of ${types.join(", ")}`);
  return new EngineError("UNSUPPORTED", `Cannot use output "${text}": this version does not push to registries`, {
    detail: { what: "output type registry", known: types },
    hint: "Write an archive with type=oci,dest=<path> and push it with another tool",
  });
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
