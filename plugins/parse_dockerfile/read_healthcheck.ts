import type { InstructionFields } from "./ast.ts";
import { isBlank } from "./blank.ts";
import { readCommandLine } from "./command_line.ts";
import { readDuration } from "./duration.ts";
import { quote } from "./fault.ts";
import { type Flags, readFlags } from "./flag.ts";
import { failAt, failMissing, type Statement } from "./statement.ts";

const shortest = 1_000_000;
const maxRetries = 2 ** 31 - 1;
const durations = {
  interval: "interval",
  timeout: "timeout",
  startPeriod: "start-period",
  startInterval: "start-interval",
} as const;
const example = "Write HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE";

/** Reads `HEALTHCHECK [flags] CMD command` and `HEALTHCHECK NONE`. Throws `PARSE_FAILED`. */
export function readHealthcheck(statement: Statement): InstructionFields {
  const { line, rest } = statement;
  const flags = readFlags(statement, {
    ...Object.fromEntries(Object.values(durations).map((name) => [name, "value"] as const)),
    retries: "value",
  });
  if (rest.start === rest.end) throw failMissing(statement, "CMD and a command, or NONE", example);
  let end = rest.start;
  while (end < rest.end && !isBlank(line.text[end])) end++;
  let start = end;
  while (start < rest.end && isBlank(line.text[start])) start++;
  const type = { start: rest.start, end };
  const name = line.text.slice(type.start, type.end).toUpperCase();
  const command = { start, end: rest.end };
  if (name === "NONE") {
    if (command.start === command.end) return { kind: "healthcheck" };
    throw failAt(statement, command, {
      message: `Cannot read HEALTHCHECK: ${
        quote(line.text.slice(command.start, command.end))
      } after NONE, expected nothing`,
      hint: "Write HEALTHCHECK NONE",
    });
  }
  if (name !== "CMD") {
    throw failAt(statement, type, {
      message: `Cannot read HEALTHCHECK: ${quote(line.text.slice(type.start, type.end))}, expected CMD or NONE`,
      hint: example,
    });
  }
  const commandLine = readCommandLine(statement, command);
  const isEmpty = commandLine.form === "exec" ? commandLine.args.length === 0 : commandLine.text === "";
  if (isEmpty) {
    throw failAt(statement, type, { message: "Cannot read HEALTHCHECK: CMD without a command", hint: example });
  }
  return { kind: "healthcheck", probe: { command: commandLine, ...readTimes(statement, flags) } };
}

function readTimes(statement: Statement, flags: Flags): Readonly<Record<string, number>> {
  const times: Record<string, number> = {};
  for (const [field, flag] of Object.entries(durations)) {
    const value = flags.value(flag);
    if (value === undefined) continue;
    const result = readDuration(value.text);
    const state = "state" in result
      ? result.state
      : result.nanoseconds !== 0 && result.nanoseconds < shortest
      ? "shorter than 1ms"
      : undefined;
    if (state !== undefined || "state" in result) {
      throw failAt(statement, value, {
        message: `Cannot read flag "--${flag}" of HEALTHCHECK: value ${quote(value.text)}: ${state}`,
        hint: `Write it like --${flag}=30s`,
      });
    }
    times[field] = result.nanoseconds;
  }
  const retries = flags.value("retries");
  if (retries === undefined) return times;
  const count = /^\+?[0-9]+$/.test(retries.text) ? Number(retries.text) : -1;
  if (count >= 0 && count <= maxRetries) return { ...times, retries: count };
  throw failAt(statement, retries, {
    message: `Cannot read flag "--retries" of HEALTHCHECK: value ${
      quote(retries.text)
    }, expected a number from 0 to ${maxRetries}`,
    hint: "Write it like --retries=3",
  });
}
