import { EngineError } from "../errors.ts";
import { isDigest } from "../oci/digest.ts";
import { parseReference } from "../oci/reference.ts";
import type { CacheFrom, CacheTo } from "./build_input.ts";
import { type CompressionChoice, compressionNames, encodingOf } from "./compression_choice.ts";
import { splitCsv } from "./csv_line.ts";

type Fields = ReadonlyMap<string, string>;

/** One of the two flags. */
interface Side {
  readonly flag: "cache-from" | "cache-to";
  /** What each type takes besides `type`. */
  readonly known: Readonly<Record<string, readonly string[]>>;
}

const from: Side = {
  flag: "cache-from",
  known: { registry: ["ref"], local: ["src", "tag", "digest"] },
};
const usual = ["mode", "compression", "compression-level", "ignore-error", "image-manifest", "oci-mediatypes"];
const to: Side = {
  flag: "cache-to",
  known: { registry: ["ref", ...usual], local: ["dest", "tag", ...usual] },
};

/** Types that buildx has and strata has not. */
const elsewhere = ["inline", "gha", "s3", "azblob"];

/**
 * Reads `--cache-from`: comma-separated `key=value`; a text without `=` is the `ref` of `type=registry`. Throws `INVALID_ARGUMENT`, and
 * `UNSUPPORTED` for types and fields that are not known.
 */
export function parseCacheFrom(text: string): CacheFrom {
  const { type, fields } = readFields(text, from);
  if (type === "registry") return { type, ref: readRef(fields, text, from) };
  const [src, tag, digest] = [need(fields, "src", text, from), fields.get("tag"), fields.get("digest")];
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, from, `"${digest.slice(0, 80)}" is no digest`);
  return { type: "local", src, name: digest ?? tag ?? "latest" };
}

/** Reads `--cache-to` as {@linkcode parseCacheFrom} does. */
export function parseCacheTo(text: string): CacheTo {
  const { type, fields } = readFields(text, to);
  const mode = fields.get("mode") ?? "min";
  if (mode !== "min" && mode !== "max") throw invalid(text, to, `unknown mode "${mode}", expected min or max`);
  for (const key of ["image-manifest", "oci-mediatypes"]) {
    if (readFlag(fields, key, text) !== false) continue;
    throw new EngineError("UNSUPPORTED", `Cannot use ${key}=false with --cache-to: a cache is an OCI image manifest`, {
      detail: { what: `${key}=false`, known: [`${key}=true`] },
      hint: `Leave out ${key}`,
    });
  }
  const usualParts = {
    mode,
    ignoreError: readFlag(fields, "ignore-error", text) === true,
    ...readCompression(fields, text),
  } as const;
  if (type === "local") {
    return { type, dest: need(fields, "dest", text, to), name: fields.get("tag") ?? "latest", ...usualParts };
  }
  const ref = readRef(fields, text, to);
  if (parseReference(ref).digest === undefined) return { type: "registry", ref, ...usualParts };
  throw invalid(text, to, "a name with a digest cannot be written to", "Leave out the part from @ on");
}

function readRef(fields: Fields, text: string, side: Side): string {
  const ref = need(fields, "ref", text, side);
  parseReference(ref);
  return ref;
}

function readCompression(fields: Fields, text: string): CompressionChoice {
  const codec = fields.get("compression");
  const level = fields.get("compression-level");
  const compression = compressionNames.find((name) => name === codec);
  if (codec !== undefined && compression === undefined) {
    throw invalid(text, to, `unknown compression "${codec}", expected one of ${compressionNames.join(", ")}`);
  }
  const choice = {
    ...(compression === undefined ? {} : { compression }),
    ...(level === undefined ? {} : { compressionLevel: Number(level) }),
  };
  encodingOf(choice);
  return choice;
}

function readFlag(fields: Fields, key: string, text: string): boolean | undefined {
  const value = fields.get(key);
  if (value === undefined || value === "true" || value === "false") {
    return value === undefined ? value : value === "true";
  }
  throw invalid(text, to, `"${value}" is neither true nor false`);
}

function need(fields: Fields, key: string, text: string, side: Side): string {
  const value = fields.get(key);
  if (value !== undefined && value !== "") return value;
  const type = key === "ref" ? "registry" : "local";
  throw invalid(text, side, `type=${type} needs ${key}`, `Add ${key}=<${key === "ref" ? "name" : "path"}>`);
}

function readFields(text: string, side: Side): { readonly type: "registry" | "local"; readonly fields: Fields } {
  if (text !== "" && !text.includes("=")) return { type: "registry", fields: new Map([["ref", text]]) };
  const fields = new Map<string, string>();
  const parts = splitCsv(text);
  if (parts === undefined) throw invalid(text, side, "its quotes do not pair");
  for (const field of parts) {
    const equals = field.indexOf("=");
    const key = field.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (key === "") throw invalid(text, side, `"${field}" is no key=value`);
    if (fields.has(key)) throw invalid(text, side, `"${key}" is given twice`);
    fields.set(key, field.slice(equals + 1).trim());
  }
  const type = fields.get("type") ?? "";
  if (type !== "registry" && type !== "local") throw unknownType(type, text, side);
  const allowed = side.known[type] ?? [];
  for (const key of fields.keys()) {
    if (key === "type" || allowed.includes(key)) continue;
    throw new EngineError(
      "UNSUPPORTED",
      `Cannot use field "${key}" with --${side.flag} type=${type}: expected one of ${allowed.join(", ")}`,
      { detail: { what: `${side.flag} field ${key}`, known: allowed } },
    );
  }
  return { type, fields };
}

function unknownType(type: string, text: string, side: Side): EngineError {
  const place = side === from ? "src" : "dest";
  const hint = `Use type=registry,ref=<name> or type=local,${place}=<path>`;
  if (!elsewhere.includes(type)) {
    return invalid(
      text,
      side,
      type === "" ? "it has no type" : `unknown type "${type}", expected registry or local`,
      hint,
    );
  }
  return new EngineError("UNSUPPORTED", `Cannot use --${side.flag} type=${type}: expected registry or local`, {
    detail: { what: `${side.flag} type ${type}`, known: ["registry", "local"] },
    hint,
  });
}

function invalid(text: string, { flag }: Side, state: string, hint?: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read --${flag} "${text.slice(0, 200)}": ${state}`, {
    detail: { field: flag, value: text.slice(0, 200) },
    ...(hint === undefined ? {} : { hint }),
  });
}
