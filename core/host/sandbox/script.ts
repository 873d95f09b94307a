import type { SourceRange } from "../../contract/call.ts";
import type { SourceFile } from "../../contract/parse.ts";
import type { Script } from "../../contract/plugin.ts";
import { EngineError, isEngineError } from "../../errors.ts";
import type { PreparedScript } from "../script_source.ts";

/** Most of what a script throws that is told. */
const maxMessage = 1024;

/** Runs the one build file that this thread may run, as a module, when the plugin asks for it. */
export class ScriptRunner {
  readonly #script: PreparedScript | undefined;
  readonly #url: string | undefined;

  /** Made before the plugin is loaded, so that it cannot change the text, whose imports were checked. */
  constructor(script: PreparedScript | undefined) {
    this.#script = script;
    this.#url = script === undefined || script.refusal !== undefined
      ? undefined
      : URL.createObjectURL(new Blob([script.text], { type: "application/typescript" }));
  }

  /**
   * Runs the file, once. Rejects `PARSE_FAILED` for one that imports something or throws, `UNSUPPORTED` for a plugin that may run none,
   * and `INVALID_ARGUMENT` for another file than the one that is read.
   */
  async run(file: SourceFile): Promise<Script> {
    const script = this.#script;
    if (script === undefined) throw notGiven(file.path);
    if (script.text !== file.text) throw otherFile(file.path);
    const places = new ScriptPlaces(file, this.#url ?? "");
    const { refusal } = script;
    if (refusal !== undefined) {
      throw new EngineError("PARSE_FAILED", refusal.message, {
        detail: { range: places.lineRange(refusal.line), instruction: "" },
        hint: refusal.hint,
      });
    }
    try {
      const exports: Readonly<Record<string, unknown>> = await import(this.#url ?? "");
      return { exports, here: () => places.find(new Error().stack), fault: (error) => places.fault(error) };
    } catch (error) {
      throw places.fault(error);
    }
  }
}

/** Finds places of a script in what the engine tells of a call or an error. */
class ScriptPlaces {
  readonly #file: SourceFile;
  readonly #frame: RegExp;

  constructor(file: SourceFile, url: string) {
    this.#file = file;
    this.#frame = new RegExp(`${url.replace(/[^a-z0-9]/gi, "\\$&")}:(\\d+):(\\d+)`);
  }

  /** The first place of the script in a stack or a message. */
  find(text: string | undefined): SourceRange | undefined {
    const [, line, column] = this.#frame.exec(text ?? "") ?? [];
    return line === undefined ? undefined : { ...this.lineRange(Number(line)), column: Number(column) };
  }

  lineRange(line: number): SourceRange {
    const source = this.#file.text.split(/\r?\n/)[line - 1];
    return { file: this.#file.path, line, endLine: line, ...(source === undefined ? {} : { source }) };
  }

  fault(error: unknown): EngineError {
    const stack = error instanceof Error ? `${error.message}\n${error.stack}` : undefined;
    const range = this.find(stack);
    const place = range === undefined ? {} : { range };
    if (isEngineError(error)) {
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      return new EngineError(error.code, error.message, {
        cause: error,
        detail: { ...place, ...error.detail },
        ...hint,
      });
    }
    const { state, hint } = explain(error);
    return new EngineError("PARSE_FAILED", `Cannot run build script "${this.#file.path}": ${state}`, {
      cause: error,
      detail: { ...place, instruction: "" },
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

interface Explained {
  readonly state: string;
  readonly hint?: string;
}

const isolation = "A build script has its arguments and the names of the context, no files, variables or network";

function explain(error: unknown): Explained {
  if (!(error instanceof Error)) return { state: `it threw ${show(error)}` };
  const [, kind, what = ""] = /^Requires (\w+) access(?: to (.*?))?, run again with/.exec(error.message) ?? [];
  if (kind !== undefined) {
    return { state: `it tried ${kind} access${what === "" ? "" : ` to ${what}`}`, hint: isolation };
  }
  const message = error.message.slice(0, maxMessage);
  const [, syntax] = /^(?:SyntaxError: )?(.*?)(?:\n.*)?(?:\s+at blob:\S+)?$/s.exec(message) ?? [];
  if (error instanceof SyntaxError || message.startsWith("SyntaxError: ")) {
    return { state: `it is no program: ${syntax}` };
  }
  return { state: `it threw ${error.name}: ${message}` };
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, maxMessage)) : typeof value;
}

function notGiven(path: string): EngineError {
  return new EngineError("UNSUPPORTED", `Cannot run build script "${path}": the plugin may run none`, {
    detail: { what: "build script" },
    hint: 'Export the permission "scripts" from the plugin, and add it again with "strata plugins add"',
  });
}

function otherFile(path: string): EngineError {
  return new EngineError(
    "INVALID_ARGUMENT",
    `Cannot run build script "${path}": it is not the file that is being read`,
    {
      detail: { field: "file", value: path },
    },
  );
}
