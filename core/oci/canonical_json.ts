/**
 * JSON data.
 *
 * @example What an operation may have as arguments
 * ```ts
 * import type { Json } from "@strata/strata";
 *
 * const args: Json = { path: "/srv", mode: 0o755, exclude: ["*.log"] };
 * console.log(JSON.stringify(args));
 * ```
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Text of a value with keys sorted by UTF-16 code unit, no white space, and undefined members left out. Equal values give
 * equal text, so it can be hashed (RFC 8785 shape; numbers as ECMAScript prints them).
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const pairs = Object.entries(value).filter(([, member]) => member !== undefined);
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(pairs.map(([key, member]) => [key, sorted(member)]));
}
