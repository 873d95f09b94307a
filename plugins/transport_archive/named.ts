import type { Named } from "../../core/contract/mod.ts";

/** Annotation with an image's full name, which containerd and Docker write. */
export const fullNameKey = "io.containerd.image.name";
/** Annotation with an image's tag or name (image-spec, annotations.md). */
export const refNameKey = "org.opencontainers.image.ref.name";

/** The names in bytewise order, as a source must give them. */
export function byName(named: readonly Named[]): readonly Named[] {
  const encoder = new TextEncoder();
  const keyed = named.map((item) => ({ item, key: encoder.encode(item.name) }));
  keyed.sort((a, b) => compareBytes(a.key, b.key));
  return keyed.map(({ item }) => item);
}

/** A canonical name as Docker shows it: without `docker.io/` and `library/`. */
export function familiarName(name: string): string {
  const rest = name.startsWith("docker.io/") ? name.slice("docker.io/".length) : name;
  return rest !== name && rest.startsWith("library/") ? rest.slice("library/".length) : rest;
}

/** Repository and tag of a name; the tag is undefined when there is none. */
export function splitTag(name: string): { readonly repository: string; readonly tag: string | undefined } {
  const colon = name.lastIndexOf(":");
  if (colon < 0 || colon < name.lastIndexOf("/") || name.includes("@")) return { repository: name, tag: undefined };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
