import type { InstructionFields } from "./ast.ts";
import { skipSpace } from "./blank.ts";
import { quote } from "./fault.ts";
import { readFlags } from "./flag.ts";
import { findHeredocMarks, readHeredocs } from "./heredoc.ts";
import { readJsonList } from "./json_list.ts";
import type { LineCursor } from "./logical_line.ts";
import { readAdd, readCopy } from "./read_copy.ts";
import { readFrom } from "./read_from.ts";
import { readHealthcheck } from "./read_healthcheck.ts";
import { readArg, readPairs } from "./read_pairs.ts";
import {
  readCommand,
  readExpose,
  readMaintainer,
  readShell,
  readStopsignal,
  readUser,
  readVolume,
  readWorkdir,
} from "./read_plain.ts";
import { readRun } from "./read_run.ts";
import type { LogicalLine } from "./source.ts";
import { cutStatement, failAt, failMissing, kitOf, type Statement } from "./statement.ts";
import { nearestName } from "./suggest.ts";

const readers: Readonly<Record<string, (statement: Statement) => InstructionFields>> = {
  ADD: readAdd,
  ARG: readArg,
  CMD: (statement) => readCommand(statement, "cmd"),
  COPY: readCopy,
  ENTRYPOINT: (statement) => readCommand(statement, "entrypoint"),
  ENV: (statement) => readPairs(statement, "env"),
  EXPOSE: readExpose,
  FROM: readFrom,
  HEALTHCHECK: readHealthcheck,
  LABEL: (statement) => readPairs(statement, "label"),
  MAINTAINER: readMaintainer,
  ONBUILD: readOnbuild,
  RUN: readRun,
  SHELL: readShell,
  STOPSIGNAL: readStopsignal,
  USER: readUser,
  VOLUME: readVolume,
  WORKDIR: readWorkdir,
};

const notTriggers = ["FROM", "MAINTAINER", "ONBUILD"];

/** Cuts a logical line and reads the here-documents behind it. Throws `PARSE_FAILED`. */
export function readStatement(cursor: LineCursor, line: LogicalLine): Statement {
  const statement = cutStatement(cursor.source, line, 0);
  const command = statement.name === "ONBUILD" ? cutStatement(cursor.source, line, statement.rest.start) : statement;
  const takesHeredocs = ["ADD", "COPY", "RUN"].includes(command.name) && !isJson(command);
  if (!takesHeredocs) return statement;
  const marks = findHeredocMarks(line.text, kitOf(statement));
  return { ...statement, heredocs: readHeredocs(cursor, line, marks) };
}

/** Reads what an instruction says. Throws `PARSE_FAILED`. */
export function readFields(statement: Statement): InstructionFields {
  const read = Object.hasOwn(readers, statement.name) ? readers[statement.name] : undefined;
  if (read !== undefined) return read(statement);
  const { text } = statement.keyword;
  const near = nearestName(statement.name, Object.keys(readers));
  throw failAt(statement, statement.keyword, {
    message: text === "" ? "Cannot read instruction: no keyword" : `Cannot read instruction ${quote(text)}: unknown`,
    hint: near === undefined
      ? "Start the line with an instruction, or end the line before it with the escape character"
      : `Write ${near} instead`,
  });
}

/** Refuses what cannot be a trigger. Throws `PARSE_FAILED`. */
export function requireTrigger(statement: Statement): void {
  if (!notTriggers.includes(statement.name)) return;
  throw failAt(statement, statement.keyword, {
    message: `Cannot use ${statement.name} as a trigger of ONBUILD: expected another instruction`,
    hint: `Write ${statement.name} without ONBUILD`,
  });
}

function readOnbuild(statement: Statement): InstructionFields {
  const { source, line, heredocs } = statement;
  readFlags(statement, {});
  if (statement.text === "") throw failMissing(statement, "an instruction", "Write ONBUILD and an instruction");
  const inner = { ...cutStatement(source, line, statement.rest.start), heredocs };
  requireTrigger(inner);
  // Read now so that a trigger that cannot work is told here and not to the users of the image.
  readFields(inner);
  const bodies = heredocs.map(({ raw, name }) => `\n${raw}${name}`);
  return { kind: "onbuild", trigger: line.text.slice(skipSpace(line.text, statement.keyword.end)) + bodies.join("") };
}

function isJson(statement: Statement): boolean {
  return readJsonList(statement.text) !== undefined;
}
