import { EngineError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

/** What the terminal of a process needs to know. */
export interface ProcessTerminalOptions {
  /** Whether colours are off even on a terminal. */
  readonly noColor: boolean;
  /** Ends reads of standard input and questions that wait. */
  readonly signal: AbortSignal;
}

const encoder = new TextEncoder();

/**
 * The terminal of this process. Colours are on for a terminal unless `noColor`. `out` throws `OS_FAILED` when standard output
 * cannot be written; what cannot be written to standard error is dropped, as nobody could be told.
 */
export function openTerminal({ noColor, signal }: ProcessTerminalOptions): Terminal {
  const isStderrTerminal = Deno.stderr.isTerminal();
  let stdin: Terminal["stdin"] | undefined;
  return {
    isStdoutTerminal: Deno.stdout.isTerminal(),
    isStderrTerminal,
    isStdinTerminal: Deno.stdin.isTerminal(),
    hasColor: isStderrTerminal && !noColor,
    get columns(): number {
      return isStderrTerminal ? consoleSize().columns : defaultSize.columns;
    },
    get rows(): number {
      return isStderrTerminal ? consoleSize().rows : defaultSize.rows;
    },
    out: (text) => writeOut(text),
    err: (text) => writeErr(text),
    // Making the streams costs some milliseconds, and few commands use them.
    get stdin(): Terminal["stdin"] {
      return stdin ??= abortable(Deno.stdin.readable, signal);
    },
    get stdout(): Terminal["stdout"] {
      return Deno.stdout.writable;
    },
    ask: (question) => {
      writeErr(question);
      return readLine(signal);
    },
    askSecret: (question) => {
      writeErr(question);
      return readSecret(signal);
    },
  };
}

const defaultSize = { columns: 80, rows: 24 };

/** A terminal that knows no size, as those of some build servers, says 0 columns and 0 rows. */
function consoleSize(): { readonly columns: number; readonly rows: number } {
  const { columns, rows } = Deno.consoleSize();
  return { columns: columns || defaultSize.columns, rows: rows || defaultSize.rows };
}

function writeOut(text: string): void {
  try {
    writeAll(Deno.stdout, text);
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("OS_FAILED", `Cannot write to standard output: ${state}`, { cause });
  }
}

function writeErr(text: string): void {
  try {
    writeAll(Deno.stderr, text);
  } catch {
    // Progress and errors go here and nowhere else.
  }
}

/** Milliseconds until a pipe that is full and does not block is tried again. */
const retryMs = 5;

function writeAll(sink: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(sink.writeSync(bytes));
    } catch (cause) {
      // Whoever shares the pipe may have made it one that does not block.
      if (!(cause instanceof Deno.errors.WouldBlock)) throw cause;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    }
  }
}

/** The same stream, whose reads fail when the signal aborts; the system's own read cannot be called back. */
function abortable(stream: Terminal["stdin"], signal: AbortSignal): Terminal["stdin"] {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const next = await untilAborted(reader.read(), signal);
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel(): void {
      void reader.cancel().catch(() => {});
    },
  }, { highWaterMark: 0 });
}

async function readLine(signal: AbortSignal): Promise<string | undefined> {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (await untilAborted(Deno.stdin.read(one), signal) === 1) {
    const byte = one[0] ?? 10;
    if (byte === 10) return new TextDecoder().decode(new Uint8Array(bytes));
    bytes.push(byte);
  }
  return bytes.length === 0 ? undefined : new TextDecoder().decode(new Uint8Array(bytes));
}

/** A line that is typed unseen. Ctrl-C still interrupts. */
async function readSecret(signal: AbortSignal): Promise<string | undefined> {
  if (!Deno.stdin.isTerminal()) return await readLine(signal);
  Deno.stdin.setRaw(true, { cbreak: Deno.build.os !== "windows" });
  try {
    const bytes: number[] = [];
    const one = new Uint8Array(1);
    while (await untilAborted(Deno.stdin.read(one), signal) === 1) {
      const byte = one[0] ?? 10;
      if (byte === 10 || byte === 13) return new TextDecoder().decode(new Uint8Array(bytes));
      // End of input; a character taken back.
      if (byte === 4 && bytes.length === 0) return undefined;
      if (byte === 8 || byte === 127) { while (((bytes.pop() ?? 0) & 0xc0) === 0x80); }
      else bytes.push(byte);
    }
    return undefined;
  } finally {
    Deno.stdin.setRaw(false);
    writeErr("\n");
  }
}

/** What a promise gives, unless the signal aborts first; then rejects with its reason. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
