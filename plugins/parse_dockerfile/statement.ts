import type { EngineError, Kit } from "../../core/contract/mod.ts";
import { endOfText, isBlank, skipSpace } from "./blank.ts";
import { cutFlags } from "./cut_flags.ts";
import { quote } from "./fault.ts";

import type { RawHeredoc } from "./heredoc.ts";
import { type LogicalLine, type Source, sourceError, type Span, spanRange } from "./source.ts";
import type { Word } from "./word.ts";

/** An instruction cut into keyword, flags and arguments. */
export interface Statement {
  readonly source: Source;
  readonly line: LogicalLine;
  /** Keyword as written. */
  readonly keyword: Word;
  /** Keyword in upper case, for messages. */
  readonly name: string;
  readonly flags: readonly Word[];
  /** Where the arguments stand: no white space at either end; empty when there are none. */
  readonly rest: Span;
  /** The arguments as one text. */
  readonly text: string;
  readonly heredocs: readonly RawHeredoc[];
}

/** What is wrong and what to do. */
export interface StatementFault {
  readonly message: string;
  readonly hint?: string;
}

/** Cuts a logical line, from a given place on. Throws `PARSE_FAILED` when a flag has a quote that is not closed. */
export function cutStatement(source: Source, line: LogicalLine, from: number): Statement {
  const start = skipSpace(line.text, from);
  const last = endOfText(line.text, start);
  let end = start;
  while (end < last && !isBlank(line.text[end])) end++;
  const keyword = { text: line.text.slice(start, end), start, end };
  const bare: Statement = {
    source,
    line,
    keyword,
    name: keyword.text.toUpperCase(),
    flags: [],
    rest: { start: last, end: last },
    text: "",
    heredocs: [],
  };
  const cut = cutFlags(line.text.slice(0, last), end, source.escape);
  if ("openQuote" in cut) {
    throw failAt(bare, { start: cut.openQuote, end: last }, {
      message: `Cannot read flags of ${bare.name}: a quote is not closed`,
      hint: "Close the quote",
    });
  }
  const restStart = Math.min(skipSpace(line.text, cut.next), last);
  return { ...bare, flags: cut.words, rest: { start: restStart, end: last }, text: line.text.slice(restStart, last) };
}

/** Makes the error of a fault in a part of an instruction. */
export function failAt(statement: Statement, span: Span, fault: StatementFault): EngineError {
  const at = spanRange(statement.source, statement.line, span);
  return sourceError(statement.source, { ...fault, at, keyword: statement.name });
}

/** Makes the error of arguments that are missing: it points at the keyword. */
export function failMissing(statement: Statement, expected: string, hint: string): EngineError {
  const given = statement.text === "" ? "no arguments" : `only ${quote(statement.text)}`;
  return failAt(statement, statement.keyword, {
    message: `Cannot read ${statement.name}: ${given}, expected ${expected}`,
    hint,
  });
}

/** Helpers of the contract. */
export function kitOf(statement: Statement): Kit {
  return statement.source.kit;
}
