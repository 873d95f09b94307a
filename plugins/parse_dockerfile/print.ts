import type { Dockerfile, Instruction } from "./ast.ts";
import { cutLines } from "./source.ts";

/**
 * The text of a file that was read, in one form: keywords in upper case, no blanks before them, at most one blank line in a row and one
 * before each stage, line ends `\n`. Comments, continued lines and here-documents are kept.
 */
export function printDockerfile(file: Dockerfile, text: string): string {
  const lines = cutLines(text).map((line) => line.replace(/\r+$/, ""));
  const printed: string[] = [];
  let next = 0;
  for (const instruction of [...file.globalArgs, ...file.stages.flat()]) {
    const { line, endLine } = instruction.at;
    printBetween(lines.slice(next, line - 1), printed);
    if (instruction.kind === "from") startStage(printed);
    printed.push(...printInstruction(instruction, lines.slice(line - 1, endLine)));
    next = endLine;
  }
  printBetween(lines.slice(next), printed);
  while (printed.at(-1) === "") printed.pop();
  return `${printed.join("\n")}\n`;
}

/** Comments and blank lines. */
function printBetween(lines: readonly string[], printed: string[]): void {
  for (const line of lines) {
    const text = line.trim();
    if (text !== "" || (printed.length > 0 && printed.at(-1) !== "")) printed.push(text);
  }
}

/** Puts a blank line before the comments of a stage. */
function startStage(printed: string[]): void {
  let at = printed.length;
  while (printed[at - 1]?.startsWith("#")) at--;
  if (at > 0 && printed[at - 1] !== "") printed.splice(at, 0, "");
}

function printInstruction({ keyword }: Instruction, [first = "", ...more]: readonly string[]): readonly string[] {
  const text = first.trimStart();
  return [keyword.toUpperCase() + text.slice(keyword.length), ...more];
}
