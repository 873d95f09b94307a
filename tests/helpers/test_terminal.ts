import type { Terminal } from "../../core/cli/terminal.ts";

/** A terminal that keeps what is written and answers from a list. */
export interface TestTerminal extends Terminal {
  /** Everything written to standard output as text. */
  stdoutText(): string;
  /** Everything written to standard error. */
  stderrText(): string;
}

/** What a {@linkcode TestTerminal} is like; no terminal anywhere when left out. */
export interface TestTerminalOptions {
  readonly isTerminal?: boolean;
  readonly hasColor?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly answers?: readonly string[];
  readonly stdin?: Uint8Array<ArrayBuffer>;
}

/** Makes a terminal for tests. */
export function createTestTerminal(options: TestTerminalOptions = {}): TestTerminal {
  let out = "";
  let err = "";
  const answers = [...options.answers ?? []];
  const isTerminal = options.isTerminal ?? false;
  const decoder = new TextDecoder();
  return {
    isStdoutTerminal: isTerminal,
    isStderrTerminal: isTerminal,
    isStdinTerminal: isTerminal,
    hasColor: options.hasColor ?? false,
    columns: options.columns ?? 80,
    rows: options.rows ?? 24,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: new Blob(options.stdin === undefined ? [] : [options.stdin]).stream(),
    stdout: new WritableStream({
      write: (chunk) => {
        out += decoder.decode(chunk);
      },
    }),
    ask: (question) => {
      err += question;
      return Promise.resolve(answers.shift());
    },
    askSecret: (question) => {
      err += question;
      return Promise.resolve(answers.shift());
    },
    stdoutText: () => out,
    stderrText: () => err,
  };
}
