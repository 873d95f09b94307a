import type { EngineError, Kit, SourceRange } from "../../core/contract/mod.ts";
import { parseError } from "./fault.ts";
import { maskUrls } from "./redact.ts";

/** A build file cut into lines, and the rules in force for reading it. */
export interface Source {
  readonly kit: Kit;
  /** Path as the user gave it. */
  readonly file: string;
  /** Lines without `\n`; a carriage return may still end them. */
  readonly lines: readonly string[];
  /** The escape character. */
  readonly escape: string;
  /** Where everything is said to stand, for text that is not in a file of the user. */
  readonly fixedAt?: SourceRange;
}

/** A piece of a physical line inside a logical one. */
export interface LinePiece {
  /** Code unit of the logical line where it starts. */
  readonly start: number;
  /** Line number, from 1. */
  readonly line: number;
  /** Code units of the physical line before it. */
  readonly skipped: number;
}

/** One instruction's text, continuation lines joined. */
export interface LogicalLine {
  readonly text: string;
  /** In order; the first starts at 0. */
  readonly pieces: readonly LinePiece[];
  readonly line: number;
  readonly endLine: number;
  /** Comments before it. */
  readonly comments: readonly string[];
}

/** Where something in a logical line starts and ends, in code units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What the reader finds wrong. */
export interface SourceFault {
  readonly message: string;
  readonly at: SourceRange;
  /** Keyword, any case. */
  readonly keyword?: string;
  readonly hint?: string;
}

/** Cuts a text into lines; a byte order mark at its start is left out. */
export function cutLines(text: string): readonly string[] {
  const lines = (text.startsWith("\ufeff") ? text.slice(1) : text).split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** A line as shown: without carriage returns at its end. */
export function lineText(source: Pick<Source, "lines">, line: number): string {
  return trimReturns(source.lines[line - 1] ?? "");
}

/** A text without the carriage returns at its end. */
export function trimReturns(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "\r") end--;
  return end === text.length ? text : text.slice(0, end);
}

/** Range of whole lines. */
export function linesRange(source: Source, line: number, endLine: number): SourceRange {
  if (source.fixedAt !== undefined) return source.fixedAt;
  return { file: source.file, line, endLine, source: maskUrls(lineText(source, line)) };
}

/** Range of a part of one physical line; `start` and `end` count code units from 0. */
export function columnsRange(source: Source, line: number, span: Span): SourceRange {
  if (source.fixedAt !== undefined) return source.fixedAt;
  return {
    ...linesRange(source, line, line),
    column: span.start + 1,
    endColumn: Math.max(span.end, span.start + 1) + 1,
  };
}

/** Range of a part of a logical line. */
export function spanRange(source: Source, logical: LogicalLine, span: Span): SourceRange {
  if (source.fixedAt !== undefined) return source.fixedAt;
  const first = placeOf(logical, span.start);
  const last = placeOf(logical, Math.max(span.end - 1, span.start));
  return {
    file: source.file,
    line: first.line,
    endLine: last.line,
    column: first.column,
    endColumn: last.column + 1,
    source: maskUrls(lineText(source, first.line)),
  };
}

function placeOf(logical: LogicalLine, at: number): { readonly line: number; readonly column: number } {
  let low = 0;
  let high = logical.pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((logical.pieces[middle]?.start ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  const piece = logical.pieces[low] ?? { start: 0, line: logical.line, skipped: 0 };
  return { line: piece.line, column: piece.skipped + at - piece.start + 1 };
}

/** Makes a `PARSE_FAILED` error. */
export function sourceError(source: Source, fault: SourceFault): EngineError {
  const { message, at, hint } = fault;
  const instruction = (fault.keyword ?? "").toUpperCase();
  return parseError(source.kit, hint === undefined ? { message, at, instruction } : { message, at, instruction, hint });
}
