import type { SourceRange } from "../contract/call.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { paint, printable, printableOutput } from "./color.ts";

/** Longest source line that is shown whole. */
const maxSourceColumns = 160;

/**
 * Text for a person: the last lines of a failed step, the message, the place with a caret when there is one, and the hint.
 * Ends with a newline.
 */
export function formatError(error: EngineError, hasColor: boolean): string {
  const lines = [...outputLines(error), `${paint("red", "error:", hasColor)} ${printable(error.message)}`];
  const range = readRange(error.detail["range"]);
  if (range !== undefined) lines.push(...formatRange(range, hasColor));
  if (error.hint !== undefined) lines.push(`${paint("cyan", "hint:", hasColor)} ${printable(error.hint)}`);
  if (error.code === "INTERNAL") {
    lines.push("This is a bug in strata; please report it with the command and the lines below");
    lines.push(
      printable(error.cause instanceof Error ? error.cause.stack ?? error.cause.message : String(error.cause)),
    );
  }
  return lines.join("\n") + "\n";
}

/** The last lines that a failed step wrote, between rules as docker has them; none when there are none. */
function outputLines({ detail: { output, step } }: EngineError): string[] {
  if (!Array.isArray(output) || output.length === 0) return [];
  const head = typeof step === "string" ? [` > ${printable(step).replaceAll("\n", " ")}:`] : [];
  return [rule, ...head, ...output.map((line) => printableOutput(String(line))), rule];
}

const rule = "------";

/** Lines that show a place in a file: `file:line:column`, the source line and a caret below it. */
export function formatRange(range: SourceRange, hasColor: boolean): string[] {
  const column = range.column === undefined ? "" : `:${range.column}`;
  const lines = [`${paint("dim", "  -->", hasColor)} ${printable(range.file)}:${range.line}${column}`];
  if (range.source === undefined) return lines;
  const start = (range.column ?? 1) - 1;
  const cut = start > maxSourceColumns - 40 ? start - 40 : 0;
  const shown = range.source.slice(cut, cut + maxSourceColumns).replaceAll("\t", " ");
  const safe = printable(shown).length === shown.length ? shown : shown.replace(/[^\x20-\x7e\xa0-\uffff]/g, "?");
  const isOneLine = range.endLine === range.line;
  const end = isOneLine && range.endColumn !== undefined ? range.endColumn - 1 : range.source.trimEnd().length;
  const width = Math.max(1, Math.min(end - start, shown.length - (start - cut)));
  const gutter = String(range.line);
  const blank = " ".repeat(gutter.length);
  lines.push(
    paint("dim", ` ${gutter} |`, hasColor) + ` ${safe}`,
    paint("dim", ` ${blank} |`, hasColor) + ` ${" ".repeat(start - cut)}${paint("red", "^".repeat(width), hasColor)}`,
  );
  return lines;
}

/** What was caught as an EngineError: itself, `CANCELED` for an abort, else `INTERNAL`. */
export function toEngineError(caught: unknown): EngineError {
  if (isEngineError(caught)) return caught;
  if (caught instanceof DOMException && caught.name === "AbortError") {
    return new EngineError("CANCELED", "Canceled", { cause: caught });
  }
  return new EngineError("INTERNAL", "Cannot go on: an unexpected error happened", { cause: caught });
}

function readRange(value: unknown): SourceRange | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const range = value as Partial<SourceRange>;
  return typeof range.file === "string" && typeof range.line === "number" && typeof range.endLine === "number"
    ? range as SourceRange
    : undefined;
}
