import { EngineError } from "../errors.ts";
import type { Platform } from "../oci/descriptor.ts";
import { parsePlatform } from "../oci/platform.ts";

/**
 * What an annotation is put on.
 *
 * @example On the index that names the image
 * ```ts
 * import type { AnnotationScope } from "@strata/strata";
 *
 * const scope: AnnotationScope = "index";
 * console.log(scope);
 * ```
 */
export type AnnotationScope = "manifest" | "index" | "manifest-descriptor" | "index-descriptor";

/**
 * One OCI annotation of an image.
 *
 * @example Where the source is
 * ```ts
 * import type { Annotation } from "@strata/strata";
 *
 * const annotation: Annotation = {
 *   scope: "manifest",
 *   key: "org.opencontainers.image.source",
 *   value: "https://example.com/app",
 * };
 * console.log(annotation);
 * ```
 */
export interface Annotation {
  /** What it is put on. */
  readonly scope: AnnotationScope;
  /** Platform whose manifest is meant; every one when left out. */
  readonly platform?: Platform;
  /** Its key. */
  readonly key: string;
  /** Its value. */
  readonly value: string;
}

const scopes: readonly AnnotationScope[] = ["manifest", "index", "manifest-descriptor", "index-descriptor"];

/**
 * Reads `--annotation`: `key=value`, with one or more comma-separated scopes before it as in
 * `index,manifest[linux/arm64]:key=value`. No scope means `manifest`. Gives one annotation for each scope. Throws
 * `INVALID_ARGUMENT`.
 */
export function parseAnnotation(text: string): readonly Annotation[] {
  const equals = text.indexOf("=");
  if (equals <= 0) throw invalid(text, "expected key=value");
  const left = text.slice(0, equals);
  const value = text.slice(equals + 1);
  const match = /^((?:(?:manifest|index)(?:-descriptor)?(?:\[[^\]]*\])?,?)+):(.*)$/.exec(left);
  const key = match?.[2] ?? left;
  if (key === "") throw invalid(text, "expected key=value");
  const prefixes = (match?.[1] ?? "manifest").split(",");
  return prefixes.map((prefix) => ({ ...readScope(prefix, text), key, value }));
}

function readScope(prefix: string, text: string): Pick<Annotation, "scope" | "platform"> {
  const bracket = prefix.indexOf("[");
  const word = bracket < 0 ? prefix : prefix.slice(0, bracket);
  const scope = scopes.find((known) => known === word);
  if (scope === undefined) throw invalid(text, `expected one of ${scopes.join(", ")} before ":"`);
  if (bracket < 0) return { scope };
  if (scope === "index" || scope === "index-descriptor") throw invalid(text, "expected no platform for an index");
  return { scope, platform: parsePlatform(prefix.slice(bracket + 1, -1)) };
}

function invalid(text: string, expected: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read annotation "${text.slice(0, 160)}": ${expected}`, {
    detail: { field: "annotation", value: text.slice(0, 160) },
  });
}
