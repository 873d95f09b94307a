import type { Kit, SourceFile, SourceRange } from "../../core/contract/mod.ts";
import type { Dockerfile, Instruction } from "./ast.ts";
import { trimSpace } from "./blank.ts";
import { readDirectives } from "./directive.ts";
import { quote } from "./fault.ts";
import { type LineCursor, readLogicalLine } from "./logical_line.ts";
import { readFields, readStatement, requireTrigger } from "./read_instruction.ts";
import { cutLines, linesRange, lineText, type Source, sourceError } from "./source.ts";
import { failAt, type Statement } from "./statement.ts";

/**
 * Reads a Dockerfile into instructions, grouped by stage; nothing is expanded. Throws `PARSE_FAILED` for the first thing wrong in it;
 * `detail.range` says where, with columns where a part of a line is meant.
 */
export function readDockerfile(file: SourceFile, kit: Kit): Dockerfile {
  const plain: Source = { kit, file: file.path, lines: cutLines(file.text), escape: "\\" };
  const { lines, ...head } = readDirectives(plain);
  const cursor: LineCursor = { source: { ...plain, escape: head.escape }, next: lines, comments: [], warnings: [] };
  const globalArgs: Instruction[] = [];
  const stages: Instruction[][] = [];
  for (let next = readNext(cursor); next !== undefined; next = readNext(cursor)) {
    const { instruction, statement } = next;
    const stage = stages.at(-1);
    if (instruction.kind === "from") stages.push([instruction]);
    else if (stage !== undefined) stage.push(instruction);
    else if (instruction.kind === "arg") globalArgs.push(instruction);
    else throw beforeFrom(statement);
  }
  if (stages.length === 0) throw noStage(cursor.source, globalArgs);
  return { ...head, globalArgs, stages, warnings: cursor.warnings };
}

/**
 * Reads one trigger of a base image, which is said to stand at `at`. Throws `PARSE_FAILED` when it is not one instruction, or is one that
 * cannot be a trigger.
 */
export function readTrigger(text: string, at: SourceRange, kit: Kit): Instruction {
  const plain: Source = { kit, file: at.file, lines: cutLines(text), escape: "\\", fixedAt: at };
  const { escape, lines } = readDirectives(plain);
  const cursor: LineCursor = { source: { ...plain, escape }, next: lines, comments: [], warnings: [] };
  const first = readNext(cursor, requireTrigger);
  if (first !== undefined && readLogicalLine(cursor) === undefined) return first.instruction;
  throw sourceError(cursor.source, {
    message: `Cannot read trigger ${quote(text)} of the base image: expected one instruction`,
    at,
    keyword: "ONBUILD",
    hint: "Build the base image again with one instruction in each ONBUILD",
  });
}

function readNext(
  cursor: LineCursor,
  check: (statement: Statement) => void = () => {},
): { readonly instruction: Instruction; readonly statement: Statement } | undefined {
  const line = readLogicalLine(cursor);
  if (line === undefined) return undefined;
  const statement = readStatement(cursor, line);
  check(statement);
  const { source } = cursor;
  const instruction = {
    ...readFields(statement),
    at: linesRange(source, line.line, cursor.next),
    keyword: statement.keyword.text,
    original: trimSpace(line.text),
    comments: line.comments,
    lines: source.fixedAt === undefined ? linesOf(source, line.line, cursor.next) : [],
  };
  return { instruction, statement };
}

function linesOf(source: Source, line: number, endLine: number): readonly string[] {
  return Array.from({ length: endLine - line + 1 }, (_, i) => lineText(source, line + i));
}

function beforeFrom(statement: Statement): Error {
  return failAt(statement, statement.keyword, {
    message: `Cannot read ${statement.name}: no stage yet, expected FROM before it`,
    hint: "Start the file with FROM IMAGE or FROM scratch",
  });
}

function noStage(source: Source, globalArgs: readonly Instruction[]): Error {
  const line = Math.max(source.lines.length, 1);
  return sourceError(source, {
    message: `Cannot read ${quote(source.file)}: ${
      globalArgs.length === 0 ? "no instructions" : "no stage"
    }, expected a FROM`,
    at: linesRange(source, line, line),
    hint: "Start the file with FROM IMAGE or FROM scratch",
  });
}
