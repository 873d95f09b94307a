import type { Dockerfile } from "./ast.ts";
import { endOfText, skipSpace, trimSpace } from "./blank.ts";
import { type CheckOptions, readCheckOptions } from "./check_option.ts";
import { quote } from "./fault.ts";
import { columnsRange, lineText, type Source, sourceError, type Span } from "./source.ts";

/** What the directives at the head of a file say. */
export interface Directives {
  readonly escape: string;
  readonly syntax?: string;
  readonly check: Dockerfile["check"];
  /** Lines they take. */
  readonly lines: number;
}

interface Directive {
  readonly key: string;
  readonly value: string;
  readonly line: number;
  readonly keySpan: Span;
  readonly valueSpan: Span;
}

const known = ["syntax", "escape", "check"];
const pattern = /^([a-zA-Z][a-zA-Z0-9]*)([\t\n\f\r ]*=[\t\n\f\r ]*)(.+)$/s;
const noCheck: CheckOptions = { skip: [], error: false, experimental: [] };

/**
 * Reads the block of `# key=value` lines that starts a file: it ends at the first line that is no comment with a known key. Behind a `#!`
 * line only `syntax` and `check` count. Throws `PARSE_FAILED` for a key given twice and a value that is not allowed.
 */
export function readDirectives(source: Source): Directives {
  const hasShebang = lineText(source, 1).startsWith("#!");
  const found = new Map<string, Directive>();
  let line = hasShebang ? 2 : 1;
  for (; line <= source.lines.length; line++) {
    const directive = readDirective(source, line);
    if (directive === undefined) break;
    if (!found.has(directive.key)) found.set(directive.key, directive);
    else if (!hasShebang) throw duplicate(source, directive);
  }
  const syntax = found.get("syntax");
  const escape = hasShebang ? undefined : found.get("escape");
  const check = found.get("check");
  if (syntax === undefined) refuseOtherFormat(source);
  return {
    escape: escape === undefined ? "\\" : readEscape(source, escape),
    ...(syntax === undefined ? {} : { syntax: firstWord(syntax.value) }),
    check: check === undefined ? noCheck : readCheck(source, check),
    lines: line - 1,
  };
}

function readDirective(source: Source, line: number): Directive | undefined {
  const text = lineText(source, line);
  const hash = skipSpace(text, 0);
  if (text[hash] !== "#") return undefined;
  const start = skipSpace(text, hash + 1);
  const [, key = "", sign = "", value = ""] = pattern.exec(text.slice(start, endOfText(text, start))) ?? [];
  if (!known.includes(key.toLowerCase())) return undefined;
  const valueStart = start + key.length + sign.length;
  return {
    key: key.toLowerCase(),
    value,
    line,
    keySpan: { start, end: start + key.length },
    valueSpan: { start: valueStart, end: valueStart + value.length },
  };
}

function readEscape(source: Source, directive: Directive): string {
  if (directive.value === "\\" || directive.value === "`") return directive.value;
  throw sourceError(source, {
    message: `Cannot read directive "escape": value ${quote(directive.value)}, expected \\ or \``,
    at: columnsRange(source, directive.line, directive.valueSpan),
    hint: "Write # escape=\\ or # escape=`",
  });
}

function readCheck(source: Source, directive: Directive): CheckOptions {
  const options = readCheckOptions(firstWord(directive.value));
  if (!("state" in options)) return options;
  const start = directive.valueSpan.start + Math.max(directive.value.indexOf(options.part), 0);
  throw sourceError(source, {
    message: `Cannot read directive "check": ${options.state}`,
    at: columnsRange(source, directive.line, { start, end: start + options.part.length }),
    hint: "Write it like # check=skip=RuleName;error=true",
  });
}

function duplicate(source: Source, directive: Directive): Error {
  return sourceError(source, {
    message: `Cannot read directive ${quote(directive.key)}: already given above`,
    at: columnsRange(source, directive.line, directive.keySpan),
    hint: "Keep one of the two",
  });
}

/** Refuses files that name another language's frontend in a form which is no Dockerfile comment. */
function refuseOtherFormat(source: Source): void {
  const syntax = slashSyntax(source) ?? jsonSyntax(source);
  if (syntax === undefined) return;
  const line = source.lines.findIndex((text) => text.includes("syntax")) + 1;
  throw sourceError(source, {
    message: `Cannot read ${quote(source.file)}: written for the frontend ${quote(syntax)}, expected a Dockerfile`,
    at: columnsRange(source, line, { start: 0, end: lineText(source, line).length }),
    hint: "Name a Dockerfile with -f",
  });
}

function slashSyntax(source: Source): string | undefined {
  for (const raw of source.lines) {
    if (!raw.startsWith("//")) return undefined;
    const [, key = "", , value = ""] = pattern.exec(trimSpace(raw.slice(2))) ?? [];
    if (key.toLowerCase() === "syntax") return firstWord(value);
    if (!known.includes(key.toLowerCase())) return undefined;
  }
  return undefined;
}

function jsonSyntax(source: Source): string | undefined {
  if (!/^\s*\{/.test(source.lines[0] ?? "")) return undefined;
  try {
    const value: unknown = JSON.parse(source.lines.join("\n"));
    if (typeof value !== "object" || value === null || !("syntax" in value)) return undefined;
    return typeof value.syntax === "string" ? value.syntax : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function firstWord(value: string): string {
  return value.split(" ", 1)[0] ?? "";
}
