import { matchPath } from "../path/match.ts";
import { familiarName, splitName } from "./stored_image.ts";

/**
 * Whether a canonical name matches a reference pattern (distribution/reference, FamiliarMatch): a wildcard pattern held against
 * the familiar name with tag or digest, and against it without. As by docker, also against the full name. Throws `INVALID_ARGUMENT`
 * for a malformed pattern.
 */
export function matchesReference(pattern: string, name: string): boolean {
  const { repository } = splitName(name);
  const cut = name.includes("@") ? name.indexOf("@") : name.lastIndexOf(":");
  const texts = [familiarName(name), repository, name, name.slice(0, cut)];
  return texts.some((text) => matchPath(pattern, text));
}
