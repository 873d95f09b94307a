import type { Annotation } from "./annotation.ts";
import { formatPlatform } from "../oci/platform.ts";
import type { AnnotationChange } from "./edit_annotation.ts";
import type { ConfigChange } from "./edit_change.ts";

/** The command line that makes a change, for the history of an image: flags in a fixed order, a new base by its digest. */
export function describeEdit(
  change: ConfigChange & AnnotationChange,
  newBase: { readonly digest: string } | undefined,
): string {
  const words = newBase === undefined ? [] : [`--new-base ${newBase.digest}`];
  const add = (flag: string, values: readonly string[] = []): void =>
    void words.push(...values.map((value) => `--${flag} ${quote(value)}`));
  const pairs = (map: Readonly<Record<string, string>> = {}): string[] =>
    Object.entries(map).map(([key, value]) => `${key}=${value}`);
  const text = (value: string | readonly string[] | undefined): string[] =>
    value === undefined ? [] : [typeof value === "string" ? value : JSON.stringify(value)];
  add("unset-env", change.unsetEnv);
  add("env", pairs(change.env));
  add("unset-label", change.unsetLabels);
  add("label", pairs(change.labels));
  add("entrypoint", text(change.entrypoint));
  add("cmd", text(change.cmd));
  add("user", text(change.user));
  add("workdir", text(change.workdir));
  add("unset-volume", change.unsetVolumes);
  add("volume", change.volumes);
  add("unset-expose", change.unsetPorts);
  add("expose", change.ports);
  add("stop-signal", text(change.stopSignal));
  add("author", text(change.author));
  add("unset-annotation", change.unsetAnnotations.map((each) => `${scopeOf(each)}${each.key}`));
  add("annotation", change.annotations.map((each) => `${scopeOf(each)}${each.key}=${each.value}`));
  return ["strata edit", ...words].join(" ");
}

function scopeOf({ scope, platform }: Annotation): string {
  if (platform !== undefined) return `${scope}[${formatPlatform(platform)}]:`;
  return scope === "manifest" ? "" : `${scope}:`;
}

/** A word as a shell reads it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
