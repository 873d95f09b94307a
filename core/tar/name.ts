import { entryError, escapeText } from "./field.ts";

const isIrregular = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * The path of an archive's entry as the contract wants it: relative, without empty and `.` parts, `..` taken lexically;
 * `.` for the root. A leading `/` counts as the root. Throws `INVALID_ARGUMENT` for a NUL and where `..` leads outside.
 */
export function normalizeName(name: string): string {
  if (name.includes("\0")) throw entryError(escapeText(name), "its name holds a NUL");
  // Names of most archives begin with "./", and those of directories end with "/".
  const start = name.startsWith("./") ? 2 : 0;
  const end = name.endsWith("/") ? name.length - 1 : name.length;
  const inner = name.slice(start, Math.max(start, end));
  if (inner !== "" && !isIrregular.test(inner)) return inner;
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw entryError(escapeText(name), "its name leads outside the archive");
  }
  return parts.length === 0 ? "." : parts.join("/");
}

/** Whether a path is as {@linkcode normalizeName} would give it, and so as the contract wants it. */
export function isNormalized(path: string): boolean {
  return path === "." || !(isIrregular.test(path) || path.includes("\0"));
}
