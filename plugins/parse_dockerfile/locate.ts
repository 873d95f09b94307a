import type { SourceRange } from "../../core/contract/mod.ts";
import type { Instruction } from "./ast.ts";
import { maskUrls } from "./redact.ts";

/**
 * Range of a text inside an instruction: the first place where it stands on one of its lines; the instruction's own range when it
 * is on none, because it goes over several lines or was put together.
 */
export function rangeOf(instruction: Pick<Instruction, "at" | "lines">, text: string): SourceRange {
  const { at, lines } = instruction;
  if (text === "") return at;
  for (const [i, source] of lines.entries()) {
    const column = source.indexOf(text) + 1;
    if (column === 0) continue;
    const line = at.line + i;
    return { file: at.file, line, endLine: line, column, endColumn: column + text.length, source: maskUrls(source) };
  }
  return at;
}
