/** A pattern of `${x#p}` and its kin: literal characters and `?` between stars. */
export interface GlobPattern {
  /** Runs between stars, at least one; `undefined` in a run stands for any one character. */
  readonly runs: readonly (readonly (string | undefined)[])[];
}

/** Half-open span of code points. */
export interface GlobSpan {
  readonly start: number;
  readonly end: number;
}

const any = undefined;

/**
 * Reads a pattern: `*` any text, `?` any one character, `\` takes the meaning of `*`, `?` and `\` away, `\}` and `\/` are `}` and `/`.
 * Undefined when a backslash stands before anything else or at the end.
 */
export function readGlob(pattern: string): GlobPattern | undefined {
  const runs: (string | undefined)[][] = [[]];
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i];
    const run = runs[runs.length - 1];
    if (run === undefined || character === undefined) break;
    if (character === "*") runs.push([]);
    else if (character === "?") run.push(any);
    else if (character === "\\") {
      const next = characters[++i];
      if (next === undefined || !"}/*?\\".includes(next)) return undefined;
      run.push(next);
    } else run.push(character);
  }
  return { runs };
}

/** The same pattern for text read backwards. */
export function reverseGlob(pattern: GlobPattern): GlobPattern {
  return { runs: pattern.runs.map((run) => run.toReversed()).toReversed() };
}

/** End of the shortest or longest match that starts at `from` exactly; undefined when there is none. */
export function matchHere(
  pattern: GlobPattern,
  text: readonly string[],
  options: { readonly from: number; readonly longest: boolean },
): number | undefined {
  const [first = [], ...rest] = pattern.runs;
  if (!fits(first, text, options.from)) return undefined;
  return matchRest(rest, text, { from: options.from + first.length, longest: options.longest });
}

/** Leftmost match at or after `from`, as long as can be; undefined when there is none. */
export function findGlob(pattern: GlobPattern, text: readonly string[], from: number): GlobSpan | undefined {
  const [first = [], ...rest] = pattern.runs;
  // When the rest does not fit behind the leftmost place of the first run, it fits behind no later one either.
  const start = seek(first, text, from);
  if (start === undefined) return undefined;
  const end = matchRest(rest, text, { from: start + first.length, longest: true });
  return end === undefined ? undefined : { start, end };
}

/** Places the runs behind a star each: leftmost all, but the last one rightmost when the longest match is wanted. */
function matchRest(
  runs: readonly (readonly (string | undefined)[])[],
  text: readonly string[],
  options: { readonly from: number; readonly longest: boolean },
): number | undefined {
  let at = options.from;
  for (const [i, run] of runs.entries()) {
    const isLast = i === runs.length - 1;
    const found = isLast && options.longest ? seekLast(run, text, at) : seek(run, text, at);
    if (found === undefined) return undefined;
    at = found + run.length;
  }
  return at;
}

function fits(run: readonly (string | undefined)[], text: readonly string[], at: number): boolean {
  if (at + run.length > text.length) return false;
  return run.every((wanted, i) => wanted === any || text[at + i] === wanted);
}

function seek(run: readonly (string | undefined)[], text: readonly string[], from: number): number | undefined {
  for (let at = from; at + run.length <= text.length; at++) if (fits(run, text, at)) return at;
  return undefined;
}

function seekLast(run: readonly (string | undefined)[], text: readonly string[], from: number): number | undefined {
  for (let at = text.length - run.length; at >= from; at--) if (fits(run, text, at)) return at;
  return undefined;
}
