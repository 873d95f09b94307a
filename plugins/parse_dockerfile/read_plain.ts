import type { InstructionFields } from "./ast.ts";
import { trimSpace } from "./blank.ts";
import { readCommandLine, readExecForm } from "./command_line.ts";
import { quote } from "./fault.ts";
import { readFlags } from "./flag.ts";
import { isSignal, signalNames } from "./signal.ts";
import { failAt, failMissing, type Statement } from "./statement.ts";
import { nearestName } from "./suggest.ts";
import { splitBlanks } from "./word.ts";

/** Reads `CMD` and `ENTRYPOINT`. Throws `PARSE_FAILED`. */
export function readCommand(statement: Statement, kind: "cmd" | "entrypoint"): InstructionFields {
  readFlags(statement, {});
  return { kind, command: readCommandLine(statement) };
}

/** Reads `SHELL ["program", "argument"…]`. Throws `PARSE_FAILED`. */
export function readShell(statement: Statement): InstructionFields {
  readFlags(statement, {});
  const hint = 'Write it like SHELL ["/bin/sh", "-c"]';
  const args = readExecForm(statement);
  if (statement.text === "" || args?.length === 0) throw failMissing(statement, "a JSON array of strings", hint);
  if (args !== undefined) return { kind: "shell", args };
  throw failAt(statement, statement.rest, {
    message: `Cannot read SHELL: ${quote(statement.text)}, expected a JSON array of strings`,
    hint,
  });
}

/** Reads `WORKDIR path`. Throws `PARSE_FAILED`. */
export function readWorkdir(statement: Statement): InstructionFields {
  return { kind: "workdir", path: readOne(statement, "a path") };
}

/** Reads `USER name`. Throws `PARSE_FAILED`. */
export function readUser(statement: Statement): InstructionFields {
  return { kind: "user", user: readOne(statement, "a user") };
}

/** Reads `MAINTAINER name`. Throws `PARSE_FAILED`. */
export function readMaintainer(statement: Statement): InstructionFields {
  return { kind: "maintainer", author: readOne(statement, "a name") };
}

/** Reads `STOPSIGNAL signal`. A signal with variables is judged after they are replaced. Throws `PARSE_FAILED`. */
export function readStopsignal(statement: Statement): InstructionFields {
  const signal = readOne(statement, "a signal");
  const isFinal = !/[$'"]/.test(signal) && !signal.includes(statement.source.escape);
  if (!isFinal || isSignal(signal)) return { kind: "stopsignal", signal };
  const near = nearestName(signal.toUpperCase().replace(/^SIG/, ""), signalNames);
  throw failAt(statement, statement.rest, {
    message: `Cannot read STOPSIGNAL: ${quote(signal)}, expected the name of a signal or a number other than 0`,
    hint: `Write STOPSIGNAL SIG${near ?? "TERM"}`,
  });
}

/** Reads `EXPOSE port…`. Throws `PARSE_FAILED`. */
export function readExpose(statement: Statement): InstructionFields {
  readFlags(statement, {});
  const words = splitBlanks(statement.line.text, statement.rest.start, statement.rest.end);
  if (words.length === 0) throw failMissing(statement, "a port", "Write EXPOSE PORT or EXPOSE PORT/udp");
  return { kind: "expose", ports: words.map(({ text }) => text) };
}

/** Reads `VOLUME path…`, also as a JSON array. Throws `PARSE_FAILED`. */
export function readVolume(statement: Statement): InstructionFields {
  readFlags(statement, {});
  const words = splitBlanks(statement.line.text, statement.rest.start, statement.rest.end);
  const paths = (readExecForm(statement) ?? words.map(({ text }) => text)).map(trimSpace);
  if (paths.length === 0) throw failMissing(statement, "a path", "Write VOLUME PATH");
  if (!paths.includes("")) return { kind: "volume", paths };
  throw failAt(statement, statement.rest, {
    message: 'Cannot read VOLUME: path "", expected one that is not empty',
    hint: "Write VOLUME PATH",
  });
}

function readOne(statement: Statement, expected: string): string {
  readFlags(statement, {});
  if (statement.text !== "") return statement.text;
  throw failMissing(statement, expected, `Write ${statement.name} and ${expected}`);
}
