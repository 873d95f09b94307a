import { EngineError } from "../errors.ts";
import { compileGlob, type Glob } from "./glob.ts";

/** Decides which paths an ordered list of ignore patterns leaves out. */
export interface PathMatcher {
  /** Whether a path, relative and slash-separated, is left out. A match of a parent folder counts for what is below it. */
  isExcluded(path: string): boolean;
  /** Whether nothing below an excluded folder can be re-included, so a walk may skip it. */
  canSkipBelow(path: string): boolean;
}

interface IgnorePattern {
  readonly isNegated: boolean;
  readonly parts: readonly string[];
  readonly glob: Glob;
}

/**
 * Whether a whole path matches a wildcard pattern: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes, a
 * backslash quotes (Go's `path/filepath.Match`, which Dockerfile sources follow). Throws `INVALID_ARGUMENT` when the
 * pattern is malformed.
 */
export function matchPath(pattern: string, path: string): boolean {
  return compileGlob(pattern, false).test(path);
}

/** Whether a Dockerfile source holds wildcards, so that it is matched rather than looked up. */
export function hasWildcard(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}

/**
 * Patterns of a `.dockerignore` text: comments (`#` in the first column) and blank lines dropped, the others trimmed, cleaned and
 * without a leading slash; `!` is kept in front (moby/patternmatcher, ignorefile).
 */
export function readIgnoreFile(text: string): string[] {
  const patterns: string[] = [];
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    let pattern = line.trim();
    if (pattern === "") continue;
    const isNegated = pattern.startsWith("!");
    if (isNegated) pattern = pattern.slice(1).trim();
    if (pattern !== "") pattern = clean(pattern);
    if (pattern.length > 1 && pattern.startsWith("/")) pattern = pattern.slice(1);
    patterns.push(isNegated ? "!" + pattern : pattern);
  }
  return patterns;
}

/**
 * Compiles ignore patterns. Each matches from the root (`**` spans folders); a pattern with `!` in front re-includes; the last
 * pattern that matches a path or one of its parents decides. Throws `INVALID_ARGUMENT` on a lone `!` or a malformed pattern.
 */
export function compileIgnore(lines: readonly string[]): PathMatcher {
  const patterns = lines.map((line) => line.trim()).filter((line) => line !== "").map(compilePattern);
  const hasNegation = patterns.some((pattern) => pattern.isNegated);
  const folders = new Map<string, Uint8Array>();

  // Which patterns match a folder or one of its parents; remembered, since a walk asks for every child.
  function matchesOf(folder: string): Uint8Array {
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const slash = folder.lastIndexOf("/");
    const matches = slash < 0 ? new Uint8Array(patterns.length) : matchesOf(folder.slice(0, slash)).slice();
    patterns.forEach((pattern, i) => {
      if (matches[i] === 0 && pattern.glob.test(folder)) matches[i] = 1;
    });
    folders.set(folder, matches);
    return matches;
  }

  return {
    isExcluded(path: string): boolean {
      if (patterns.length === 0 || path === ".") return false;
      const slash = path.lastIndexOf("/");
      const above = slash < 0 ? undefined : matchesOf(path.slice(0, slash));
      for (let i = patterns.length - 1; i >= 0; i--) {
        const pattern = patterns[i];
        if (pattern === undefined) continue;
        if (above?.[i] === 1 || pattern.glob.test(path)) return !pattern.isNegated;
      }
      return false;
    },
    canSkipBelow(path: string): boolean {
      if (!hasNegation) return true;
      const parts = path.split("/");
      return !patterns.some((pattern) => pattern.isNegated && mayMatchBelow(pattern.parts, parts));
    },
  };
}

function compilePattern(line: string): IgnorePattern {
  const isNegated = line.startsWith("!");
  const text = isNegated ? line.slice(1).trim() : line;
  if (text === "") {
    throw new EngineError("INVALID_ARGUMENT", `Cannot use ignore pattern "!": it names no path`, {
      detail: { field: "pattern", value: line },
      hint: "Write the path to keep after the exclamation mark",
    });
  }
  const cleaned = clean(text).replace(/^\/(?=.)/, "");
  return { isNegated, parts: cleaned.split("/"), glob: compileGlob(cleaned, true) };
}

function mayMatchBelow(pattern: readonly string[], folder: readonly string[]): boolean {
  for (const [i, part] of folder.entries()) {
    const wanted = pattern[i];
    if (wanted === undefined) return false;
    if (wanted.includes("**")) return true;
    if (!compileGlob(wanted, false).test(part)) return false;
  }
  return pattern.length > folder.length;
}

/** Go's `filepath.Clean` on a slash-separated path. */
function clean(path: string): string {
  const isRooted = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!isRooted) parts.push(part);
  }
  const joined = (isRooted ? "/" : "") + parts.join("/");
  return joined === "" ? "." : joined;
}
