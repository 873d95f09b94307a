import type { ReaderWarning } from "./ast.ts";
import { skipSpace, trimSpace } from "./blank.ts";
import { quote } from "./fault.ts";
import {
  columnsRange,
  type LinePiece,
  linesRange,
  lineText,
  type LogicalLine,
  type Source,
  sourceError,
  trimReturns,
} from "./source.ts";

/** Most bytes of a line, its line end left out. */
export const maxLineBytes = 65535;

/** Goes through the lines of a source. */
export interface LineCursor {
  readonly source: Source;
  /** Index of the next line. */
  next: number;
  /** Comments since the last instruction. */
  comments: string[];
  /** What was noticed. */
  readonly warnings: ReaderWarning[];
}

/**
 * The next instruction's text, or undefined at the end of the file. Comments and blank lines before it are passed over; so are those
 * between its own lines, the blank ones with a warning. Leading blanks of the first line are dropped. Throws `PARSE_FAILED`.
 */
export function readLogicalLine(cursor: LineCursor): LogicalLine | undefined {
  const { source } = cursor;
  while (cursor.next < source.lines.length) {
    const line = cursor.next++ + 1;
    const content = boundedLine(source, line);
    const skipped = skipSpace(content, 0);
    if (content[skipped] === "#") {
      noteComment(cursor, trimSpace(content.slice(skipped + 1)));
      continue;
    }
    const first = content.slice(skipped);
    const kept = trimContinuation(first, source.escape);
    if (kept === undefined && first === "") continue;
    const comments = cursor.comments;
    cursor.comments = [];
    return finishLine(cursor, { text: kept ?? first, isOpen: kept !== undefined, line, skipped, comments });
  }
  return undefined;
}

/** Adds the lines that continue a first one. */
function finishLine(
  cursor: LineCursor,
  first: {
    readonly text: string;
    readonly isOpen: boolean;
    readonly line: number;
    readonly skipped: number;
    readonly comments: readonly string[];
  },
): LogicalLine {
  const { source } = cursor;
  const texts = [first.text];
  const pieces: LinePiece[] = [{ start: 0, line: first.line, skipped: first.skipped }];
  let length = first.text.length;
  let isOpen = first.isOpen;
  let emptyLine = 0;
  while (isOpen && cursor.next < source.lines.length) {
    const line = cursor.next++ + 1;
    const content = boundedLine(source, line);
    const start = skipSpace(content, 0);
    if (content[start] === "#") continue;
    if (start === content.length) {
      emptyLine ||= line;
      continue;
    }
    const kept = trimContinuation(content, source.escape);
    isOpen = kept !== undefined;
    pieces.push({ start: length, line, skipped: 0 });
    texts.push(kept ?? content);
    length += (kept ?? content).length;
  }
  const logical = { text: texts.join(""), pieces, line: first.line, endLine: cursor.next, comments: first.comments };
  if (emptyLine !== 0) warnOfEmptyLine(cursor, emptyLine);
  refuseNul(source, logical);
  return logical;
}

/** A line without its carriage returns. Throws when it is too long. */
function boundedLine(source: Source, line: number): string {
  const raw = source.lines[line - 1] ?? "";
  // A code unit takes at most three bytes.
  if (raw.length * 3 > maxLineBytes && new TextEncoder().encode(raw).length > maxLineBytes) {
    throw sourceError(source, {
      message: `Cannot read line ${line}: longer than ${maxLineBytes} bytes`,
      at: linesRange(source, line, line),
      hint: `End the line with ${quote(source.escape)} and go on in the next one`,
    });
  }
  return trimReturns(raw);
}

/** The line without the escape character that ends it and the blanks behind; undefined when the line is not continued. */
function trimContinuation(line: string, escape: string): string | undefined {
  let end = line.length;
  while (end > 0 && (line[end - 1] === " " || line[end - 1] === "\t")) end--;
  if (end === 0 || line[end - 1] !== escape || (end > 1 && line[end - 2] === escape)) return undefined;
  return line.slice(0, end - 1);
}

function noteComment(cursor: LineCursor, comment: string): void {
  if (comment === "") cursor.comments = [];
  else cursor.comments.push(comment);
}

function warnOfEmptyLine(cursor: LineCursor, line: number): void {
  cursor.warnings.push({
    rule: "NoEmptyContinuation",
    message: "Empty continuation line",
    at: linesRange(cursor.source, line, line),
  });
}

function refuseNul(source: Source, logical: LogicalLine): void {
  if (!logical.text.includes("\0")) return;
  const piece = logical.pieces.find(({ line }) => lineText(source, line).includes("\0"));
  const line = piece?.line ?? logical.line;
  const column = lineText(source, line).indexOf("\0");
  throw sourceError(source, {
    message: `Cannot read line ${line}: holds a NUL character, expected text`,
    at: columnsRange(source, line, { start: column, end: column + 1 }),
    hint: "Save the file as UTF-8 text",
  });
}
