import { digestHex } from "../oci/digest.ts";
import type { Digest } from "../oci/descriptor.ts";
import { adjectives, nouns } from "./alias_words.ts";

/**
 * Two-word name of an image, e.g. `brave_otter`, made of the first two bytes of its ID: the same everywhere, and not unique
 * when a store holds thousands of images.
 */
export function aliasOf(id: Digest): string {
  const bytes = Number.parseInt(digestHex(id).slice(0, 4), 16);
  return `${adjectives[bytes >> 8]}_${nouns[bytes & 255]}`;
}

/** First four hex digits of the IDs that have this alias; undefined when the text is no alias. */
export function aliasPrefix(text: string): string | undefined {
  const [first = "", second = "", ...rest] = text.split("_");
  const high = adjectives.indexOf(first);
  const low = nouns.indexOf(second);
  if (high < 0 || low < 0 || rest.length > 0) return undefined;
  return ((high << 8) | low).toString(16).padStart(4, "0");
}
