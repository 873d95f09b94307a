import { parseContextSource } from "../build/context_source.ts";
import { EngineError } from "../errors.ts";
import type { NamedContext } from "./build_input.ts";

export { parseContextSource };

/** Reads `--build-context`: `name=value`, where value is `docker-image://…`, `oci-layout://…` or what {@linkcode parseContextSource} takes. */
export function parseNamedContext(text: string): { readonly name: string; readonly context: NamedContext } {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(equals, 0)).toLowerCase();
  const value = text.slice(equals + 1);
  if (name === "" || value === "") {
    throw new EngineError("INVALID_ARGUMENT", `Cannot read build context "${text}": expected name=value`, {
      detail: { field: "build-context", value: text },
      hint: "Write it as --build-context NAME=SOURCE",
    });
  }
  return { name, context: parseNamedValue(value) };
}

function parseNamedValue(value: string): NamedContext {
  const image = afterScheme(value, "docker-image://");
  if (image !== undefined) return { type: "image", reference: image };
  const layout = afterScheme(value, "oci-layout://");
  if (layout === undefined) return parseContextSource(value);
  const at = layout.lastIndexOf("@");
  if (at > 0) return { type: "oci-layout", path: layout.slice(0, at), reference: layout.slice(at + 1) };
  const colon = layout.lastIndexOf(":");
  if (colon <= layout.lastIndexOf("/") || colon < 0) return { type: "oci-layout", path: layout };
  return { type: "oci-layout", path: layout.slice(0, colon), reference: layout.slice(colon + 1) };
}

function afterScheme(value: string, scheme: string): string | undefined {
  return value.startsWith(scheme) ? value.slice(scheme.length) : undefined;
}
