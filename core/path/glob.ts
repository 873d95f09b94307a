import { EngineError } from "../errors.ts";

/** Tells whether a whole path matches. */
export interface Glob {
  /** Whether the path matches from its first to its last character. */
  test(path: string): boolean;
}

/** One step of a pattern. `many` is `.*`, `star` is `[^/]*`, `folders` and the `inside` after it are `(.*\/)?`. */
type Token =
  | { readonly type: "one"; readonly source: string }
  | { readonly type: "star" | "many" | "folders" | "inside" };

/**
 * Compiles a wildcard pattern: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes, a backslash quotes (Go's
 * `path/filepath.Match`); with `spansFolders`, `**` matches any number of folders. Matching takes time linear in the path. Throws
 * `INVALID_ARGUMENT` when the pattern is malformed.
 */
export function compileGlob(pattern: string, spansFolders: boolean): Glob {
  const tokens = readTokens(pattern, spansFolders);
  const loose = tokens.filter((token) => token.type !== "one").length;
  // A backtracking expression is the fastest while there is little to backtrack; else the states are followed side by side.
  return loose <= 2 ? new RegExp(`^${tokens.map(sourceOf).join("")}$`, "su") : new StateGlob(tokens);
}

class StateGlob implements Glob {
  readonly #tokens: readonly Token[];
  readonly #ones: readonly (RegExp | undefined)[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#ones = tokens.map((token) => token.type === "one" ? new RegExp(`^${token.source}$`, "su") : undefined);
  }

  test(path: string): boolean {
    let states = this.#closure(new Set([0]));
    for (const char of path) {
      if (states.size === 0) return false;
      states = this.#closure(this.#step(states, char));
    }
    return states.has(this.#tokens.length);
  }

  #closure(states: Set<number>): Set<number> {
    // A Set yields what is added while it is walked, so this reaches every state.
    for (const state of states) {
      const type = this.#tokens[state]?.type;
      if (type === "star" || type === "many" || type === "folders") states.add(state + 1);
      if (type === "folders") states.add(state + 2);
    }
    return states;
  }

  #step(states: ReadonlySet<number>, char: string): Set<number> {
    const next = new Set<number>();
    for (const state of states) {
      const type = this.#tokens[state]?.type;
      if (type === "many" || type === "inside" || (type === "star" && char !== "/")) next.add(state);
      if (type === "inside" && char === "/") next.add(state + 1);
      if (type === "one" && this.#ones[state]?.test(char)) next.add(state + 1);
    }
    return next;
  }
}

function sourceOf(token: Token): string {
  switch (token.type) {
    case "one":
      return token.source;
    case "star":
      return "[^/]*";
    case "many":
      return ".*";
    case "folders":
      return "(?:.*/)?";
    case "inside":
      return "";
  }
}

function readTokens(pattern: string, spansFolders: boolean): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < pattern.length;) {
    const char = pattern.charAt(i);
    if (char === "*" && spansFolders && pattern.charAt(i + 1) === "*") {
      while (pattern.charAt(i) === "*") i++;
      if (pattern.charAt(i) === "/") i++;
      if (i >= pattern.length) tokens.push({ type: "many" });
      else tokens.push({ type: "folders" }, { type: "inside" });
    } else if (char === "*") {
      if (tokens.at(-1)?.type !== "star") tokens.push({ type: "star" });
      i++;
    } else if (char === "?") {
      tokens.push({ type: "one", source: "[^/]" });
      i++;
    } else if (char === "[") {
      const read = readClass(pattern, i);
      tokens.push({ type: "one", source: read.source });
      i = read.next;
    } else {
      if (char === "\\") i++;
      const literal = String.fromCodePoint(pattern.codePointAt(i) ?? malformed(pattern));
      tokens.push({ type: "one", source: quote(literal) });
      i += literal.length;
    }
  }
  return tokens;
}

function readClass(pattern: string, start: number): { source: string; next: number } {
  let i = start + 1;
  const isNegated = pattern.charAt(i) === "^";
  if (isNegated) i++;
  let members = "";
  while (pattern.charAt(i) !== "]" || members === "") {
    const low = readClassChar(pattern, i);
    const high = pattern.charAt(low.next) === "-" ? readClassChar(pattern, low.next + 1) : low;
    i = high.next;
    // A range that runs backwards is legal in Go and matches nothing, as NUL does here: no path holds one.
    members += low.char > high.char ? "\\0" : `${quote(low.char)}-${quote(high.char)}`;
  }
  return { source: isNegated ? `(?!/)[^${members}]` : `(?!/)[${members}]`, next: i + 1 };
}

function readClassChar(pattern: string, at: number): { char: string; next: number } {
  let i = at;
  const first = pattern.charAt(i);
  if (first === "" || first === "-" || first === "]") malformed(pattern);
  if (first === "\\") i++;
  const char = String.fromCodePoint(pattern.codePointAt(i) ?? malformed(pattern));
  return { char, next: i + char.length };
}

function quote(char: string): string {
  if (char === "-") return "\\x2d";
  return char.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function malformed(pattern: string): never {
  const shown = pattern.slice(0, 200);
  throw new EngineError("INVALID_ARGUMENT", `Cannot use pattern "${shown}": its brackets or escapes are not complete`, {
    detail: { field: "pattern", value: shown },
    hint: "Close the bracket, or quote it with a backslash",
  });
}
