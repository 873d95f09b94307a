import type { InstructionFields, Pair, RunMountFlag } from "./ast.ts";
import { readBoolean } from "./check_option.ts";
import { readCommandLine } from "./command_line.ts";
import { readCsv } from "./csv.ts";
import { quote } from "./fault.ts";
import { type FlagValue, readFlags } from "./flag.ts";
import { finishHeredoc } from "./heredoc.ts";
import { checkMount } from "./run_mount.ts";
import { type Span, spanRange } from "./source.ts";
import { failAt, type Statement } from "./statement.ts";
import { nearestName } from "./suggest.ts";

const choices = { network: ["default", "none", "host"], security: ["sandbox", "insecure"] } as const;

/** Reads `RUN [flags] command`, with its here-documents. Throws `PARSE_FAILED`. */
export function readRun(statement: Statement): InstructionFields {
  const flags = readFlags(statement, { mount: "list", network: "value", security: "value", device: "list" });
  const network = checkChoice(statement, "network", flags.list("network")[0]);
  const security = checkChoice(statement, "security", flags.list("security")[0]);
  for (const device of flags.list("device")) checkDevice(statement, device);
  return {
    kind: "run",
    command: readCommandLine(statement),
    heredocs: statement.heredocs.map(finishHeredoc),
    mounts: flags.list("mount").map((value) => readMount(statement, value)),
    ...(network === undefined ? {} : { network }),
    ...(security === undefined ? {} : { security }),
    devices: flags.list("device").map(({ text }) => text),
  };
}

/** A value that must be one of a few; one with variables is judged after they are replaced. */
function checkChoice(
  statement: Statement,
  flag: keyof typeof choices,
  value: FlagValue | undefined,
): string | undefined {
  if (value === undefined || isOneOf(choices[flag], value.text)) return value?.text;
  if (flag === "network" && value.text.includes("$")) return value.text;
  const near = nearestName(value.text, choices[flag]);
  throw failAt(statement, value, {
    message: `Cannot read flag "--${flag}" of RUN: value ${quote(value.text)}, expected ${choices[flag].join(" or ")}`,
    hint: `Write --${flag}=${near ?? choices[flag][0]}`,
  });
}

function isOneOf(known: readonly string[], value: string): boolean {
  return known.includes(value);
}

function readMount(statement: Statement, value: FlagValue): RunMountFlag {
  const fields = readFields(statement, "mount", value);
  const options = fields.map((field): Pair => {
    const cut = field.indexOf("=");
    return cut === -1
      ? { key: field.toLowerCase() }
      : { key: field.slice(0, cut).toLowerCase(), value: field.slice(cut + 1) };
  });
  const { escape } = statement.source;
  const problem = checkMount(
    options.map((option) => ({
      ...option,
      isFinal: !/[$'"]/.test(option.value ?? "") && !option.value?.includes(escape),
    })),
  );
  if (problem === undefined) return { options, at: spanRange(statement.source, statement.line, value) };
  const part = problem.option === undefined ? undefined : fields[problem.option];
  throw failAt(statement, partOf(statement, value, part), {
    message: `Cannot read flag "--mount" of RUN: ${problem.state}`,
    hint: problem.hint ?? "Write it like --mount=type=cache,target=/path",
  });
}

/** Reads `name`, `name=…` and `required` of `--device`. */
function checkDevice(statement: Statement, value: FlagValue): void {
  let name: string | undefined;
  for (const field of readFields(statement, "device", value)) {
    const [key = "", text] = field.split(/=(.*)/s, 2);
    const problem = deviceProblem({ field, key: key.toLowerCase(), text, name });
    if (problem !== undefined) {
      throw failAt(statement, partOf(statement, value, field), {
        message: `Cannot read flag "--device" of RUN: ${problem}`,
        hint: "Write it like --device=vendor.com/class=name,required",
      });
    }
    if (key.toLowerCase() === "name" && text !== undefined) name = text;
    else if (key.toLowerCase() !== "required") name = field;
  }
}

function deviceProblem(
  part: {
    readonly field: string;
    readonly key: string;
    readonly text: string | undefined;
    readonly name: string | undefined;
  },
): string | undefined {
  const { field, key, text, name } = part;
  if (key === "required") {
    return text === undefined || readBoolean(text) !== undefined
      ? undefined
      : `value ${quote(text)} of required, expected true or false`;
  }
  if (!name) return undefined;
  if (key === "name" && text !== undefined) return `name already given as ${quote(name)}`;
  return `unknown option ${quote(field)}, expected name or required`;
}

function readFields(statement: Statement, flag: string, value: FlagValue): readonly string[] {
  const fields = value.text === "" ? undefined : readCsv(value.text);
  if (fields !== undefined) return fields;
  throw failAt(statement, value, {
    message: `Cannot read flag "--${flag}" of RUN: value ${quote(value.text)}, expected options between commas`,
    hint: `Write it like --${flag}=${flag === "mount" ? "type=cache,target=/path" : "vendor.com/class=name"}`,
  });
}

/** Where a part of a flag's value stands; the whole value when it is written with quotes or escapes. */
function partOf(statement: Statement, value: FlagValue, part: string | undefined): Span {
  const start = part === undefined || part === "" ? -1 : statement.line.text.indexOf(part, value.start);
  return start === -1 || start + (part ?? "").length > value.end ? value : { start, end: start + (part ?? "").length };
}
