import { findGlob, type GlobPattern, matchHere, reverseGlob } from "./glob.ts";

/** A value without the shortest or longest start that matches. */
export function removePrefix(value: string, pattern: GlobPattern, longest: boolean): string {
  const text = Array.from(value);
  const end = matchHere(pattern, text, { from: 0, longest });
  return end === undefined ? value : text.slice(end).join("");
}

/** A value without the shortest or longest end that matches. */
export function removeSuffix(value: string, pattern: GlobPattern, longest: boolean): string {
  const text = Array.from(value).reverse();
  const end = matchHere(reverseGlob(pattern), text, { from: 0, longest });
  return end === undefined ? value : text.slice(end).reverse().join("");
}

/**
 * A value with the first match, or every one, replaced. Matches are as long as can be and do not overlap; an empty match right
 * behind another one does not count.
 */
export function substitute(
  value: string,
  pattern: GlobPattern,
  options: { readonly replacement: string; readonly every: boolean },
): string {
  const text = Array.from(value);
  let result = "";
  let copied = 0;
  let from = 0;
  let lastEnd = -1;
  while (from <= text.length) {
    const span = findGlob(pattern, text, from);
    if (span === undefined) break;
    const isEmpty = span.end === span.start;
    if (!isEmpty || span.start !== lastEnd) {
      result += text.slice(copied, span.start).join("") + options.replacement;
      copied = lastEnd = span.end;
      if (!options.every) break;
    }
    from = isEmpty ? span.end + 1 : span.end;
  }
  return result + text.slice(copied).join("");
}
