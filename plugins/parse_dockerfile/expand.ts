import type { EngineError, Kit, SourceRange } from "../../core/contract/mod.ts";
import type { Instruction } from "./ast.ts";
import { parseError, quote } from "./fault.ts";
import { lex, type LexFault, type LexResult, type Lookup, tryLex } from "./lexer.ts";
import { rangeOf } from "./locate.ts";

export type { Lookup } from "./lexer.ts";

/** Where a text comes from and how it is read. */
export interface ExpandOptions {
  /** The file's escape character. */
  readonly escape: string;
  /** The instruction that the text is part of; errors point into it. */
  readonly instruction: Pick<Instruction, "at" | "keyword" | "lines">;
  readonly kit: Kit;
}

/** A text with its variables replaced. */
export interface Expanded {
  readonly text: string;
  /** Variables that were found, each once. */
  readonly used: readonly string[];
  /** Variables that were not found, each once; also those with a default. */
  readonly unknown: readonly string[];
}

/** A text cut into words after its variables were replaced. */
export interface ExpandedWords {
  /** None of them is empty. */
  readonly words: readonly string[];
  readonly used: readonly string[];
  readonly unknown: readonly string[];
}

/**
 * One word: variables replaced, quotes and escapes removed, blanks kept. Understands `$x ${x}`, the modifiers `:- - :+ + :? ?`,
 * `# ## % %%` with `*` and `?` as wildcards, and `/p/r //p/r`; unset variables are empty. Nothing is expanded in single quotes.
 * Throws `PARSE_FAILED` for a bad substitution, an open quote and a failed `:?`.
 */
export function expandWord(text: string, lookup: Lookup, options: ExpandOptions): Expanded {
  if (isPlain(text, options.escape)) return { text, used: [], unknown: [] };
  return asOne(read(text, lookup, { ...options, quotes: "remove" }));
}

/** As {@linkcode expandWord}, then split at white space that was neither quoted nor escaped, also at that in values. */
export function expandWords(text: string, lookup: Lookup, options: ExpandOptions): ExpandedWords {
  const { words, used, unknown } = read(text, lookup, { ...options, quotes: "remove" });
  return { words, used, unknown };
}

/**
 * Body of a here-document for COPY and ADD: variables replaced, quotes are ordinary characters, a backslash is removed and takes the
 * meaning of the next character away whatever the file's escape character is. Throws as {@linkcode expandWord} does.
 */
export function expandHeredoc(text: string, lookup: Lookup, options: ExpandOptions): Expanded {
  return asOne(read(text, lookup, { ...options, escape: "\\", quotes: "plain" }));
}

/**
 * A text for people to read: set variables replaced, quotes and unset variables kept as written. Gives the text back as it is when it
 * cannot be read; never throws.
 */
export function expandForShow(text: string, lookup: Lookup, options: ExpandOptions): string {
  return tryLex(text, options.kit, { escape: options.escape, quotes: "keep", escapes: "remove", unset: "keep", lookup })
    ?.text ?? text;
}

function read(
  text: string,
  lookup: Lookup,
  options: ExpandOptions & { readonly quotes: "remove" | "plain" },
): LexResult {
  const fail = (fault: LexFault): EngineError => expansionError(text, fault, options);
  return lex(text, lookup, { escape: options.escape, quotes: options.quotes, escapes: "remove", unset: "empty", fail });
}

function asOne({ text, used, unknown }: LexResult): Expanded {
  return { text, used, unknown };
}

function isPlain(text: string, escape: string): boolean {
  return !/[$'"]/.test(text) && !text.includes(escape);
}

function expansionError(text: string, fault: LexFault, options: ExpandOptions): EngineError {
  const part = text.slice(fault.start, fault.end);
  const whole = rangeOf(options.instruction, text);
  const at: SourceRange = whole.column === undefined || whole.line !== whole.endLine
    ? rangeOf(options.instruction, part)
    : { ...whole, column: whole.column + fault.start, endColumn: whole.column + fault.end };
  const message = `Cannot expand ${quote(part)}: ${fault.state}`;
  return parseError(options.kit, {
    message,
    at,
    instruction: options.instruction.keyword.toUpperCase(),
    hint: fault.hint,
  });
}
