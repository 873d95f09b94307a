import { isEngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import type { Dockerfile, Instruction } from "../../plugins/parse_dockerfile/ast.ts";
import {
  expandHeredoc,
  type ExpandOptions,
  expandWord,
  expandWords,
  type Lookup,
} from "../../plugins/parse_dockerfile/expand.ts";
import { readDockerfile } from "../../plugins/parse_dockerfile/read_dockerfile.ts";

/** Folder of the cases: one folder each, with a `Dockerfile` or a `words.json`, and `expected.json`. */
export const casesFolder = new URL("./dockerfile/", import.meta.url);

/** What a `words.json` asks to expand. */
interface WordsCase {
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  /** The escape character; backslash when left out. */
  readonly escape?: string;
  /** `word` when left out. */
  readonly mode?: "word" | "heredoc";
}

const longest = 200;

/** Names of all cases, sorted. */
export function listCases(): readonly string[] {
  return [...Deno.readDirSync(casesFolder)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
}

/** What a case gives, in the form of its `expected.json`. */
export function runCase(name: string): string {
  const folder = new URL(`${name}/`, casesFolder);
  const words = readIfThere(new URL("words.json", folder));
  const result = words === undefined
    ? projectDockerfile(
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(Deno.readFileSync(new URL("Dockerfile", folder))),
    )
    : projectWords(JSON.parse(words));
  return `${JSON.stringify(result, undefined, 2)}\n`;
}

/** The expectation of a case. */
export function readExpected(name: string): string | undefined {
  return readIfThere(new URL(`${name}/expected.json`, casesFolder));
}

/** Writes the expectation of a case. */
export function writeExpected(name: string, text: string): void {
  Deno.writeTextFileSync(new URL(`${name}/expected.json`, casesFolder), text);
}

function readIfThere(file: URL): string | undefined {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function projectDockerfile(text: string): unknown {
  try {
    return projectFile(readDockerfile({ path: "Dockerfile", text }, createKit()));
  } catch (error) {
    return projectError(error);
  }
}

function projectWords(input: WordsCase): unknown {
  const { text, env, escape = "\\", mode = "word" } = input;
  const lookup: Lookup = (name) => Object.hasOwn(env, name) ? env[name] : undefined;
  const instruction = { at: { file: "Dockerfile", line: 1, endLine: 1, source: text }, keyword: "ENV", lines: [text] };
  const options: ExpandOptions = { escape, instruction, kit: createKit() };
  try {
    if (mode === "heredoc") return expandHeredoc(text, lookup, options);
    return { ...expandWord(text, lookup, options), words: expandWords(text, lookup, options).words };
  } catch (error) {
    return projectError(error);
  }
}

function projectFile(file: Dockerfile): unknown {
  const { check } = file;
  return {
    ...(file.escape === "\\" ? {} : { escape: file.escape }),
    ...(file.syntax === undefined ? {} : { syntax: file.syntax }),
    ...(check.error || check.skip.length + check.experimental.length > 0 ? { check } : {}),
    ...(file.globalArgs.length === 0 ? {} : { globalArgs: file.globalArgs.map(projectInstruction) }),
    stages: file.stages.map((stage) => stage.map(projectInstruction)),
    ...(file.warnings.length === 0
      ? {}
      : { warnings: file.warnings.map(({ rule, message, at }) => `${at.line}: ${rule}: ${message}`) }),
  };
}

/** Fields that say nothing (false, empty lists) are left out, long texts cut. */
function projectInstruction(instruction: Instruction): unknown {
  const { at, keyword, original, lines: _lines, ...fields } = instruction;
  const said = Object.entries(fields).filter(([, value]) =>
    value !== false && !(Array.isArray(value) && value.length === 0)
  );
  const where = at.line === at.endLine ? `${at.line}` : `${at.line}-${at.endLine}`;
  const result = {
    lines: where,
    keyword,
    original,
    ...Object.fromEntries(said.map(([key, value]) => [key, plain(value)])),
  };
  return clip(result);
}

/** Ranges of mounts become `line:column-endColumn`. */
function plain(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item) => {
    if (typeof item !== "object" || item === null || !("at" in item)) return item;
    const at: Instruction["at"] = item.at;
    return { ...item, at: `${at.line}:${at.column}-${at.endLine}:${at.endColumn}` };
  });
}

function clip(value: unknown): unknown {
  if (typeof value === "string") {
    return value.length > longest ? `${value.slice(0, 20)}… (${value.length} characters)` : value;
  }
  if (Array.isArray(value)) return value.map(clip);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, clip(each)]));
}

function projectError(error: unknown): unknown {
  if (!isEngineError(error)) throw error;
  const { range, instruction } = error.detail as { readonly range: Instruction["at"]; readonly instruction: string };
  const { line, endLine, column, endColumn, source = "" } = range;
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      instruction,
      line,
      ...(endLine === line ? {} : { endLine }),
      ...(column === undefined ? {} : { columns: [column, endColumn] }),
      show: [clip(source), ...(column === undefined || source.length > longest ? [] : [caret(range, source)])],
    },
  };
}

function caret({ line, endLine, column = 1, endColumn = column + 1 }: Instruction["at"], source: string): string {
  const end = endLine === line ? endColumn : source.length + 1;
  return " ".repeat(column - 1) + "^".repeat(Math.max(end - column, 1));
}
