import { EngineError } from "../errors.ts";

/** How a program is run. */
export interface ProgramOptions {
  /** Arguments, passed on as they are. */
  readonly args: readonly string[];
  /** Directory it runs in; the caller's own when left out. */
  readonly directory?: string;
  /** Environment variables that are set besides those inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on its standard input; nothing when left out. */
  readonly input?: string;
  /** Environment variables that are not passed on. */
  readonly unset?: readonly string[];
  /**
   * Most bytes that it may print to each of its outputs; 1 MiB when left out. More is cut off, and the program goes on.
   */
  readonly maxOutputBytes?: number;
}

/** What a program that ended left. */
export interface ProgramResult {
  /** Exit code; 128 and the signal's number when a signal ended it. */
  readonly code: number;
  /** What it printed, UTF-8 decoded. */
  readonly stdout: string;
  /** What it printed to its error output, UTF-8 decoded. */
  readonly stderr: string;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Runs a program of this host to its end, without a shell. An exit code that is not 0 is a result, not an
 * error. Rejects `UNSUPPORTED` when the program is not installed or may not be run, `CANCELED` when the signal aborts,
 * which kills the program.
 */
export async function runProgram(
  command: string,
  options: ProgramOptions,
  call: { readonly signal: AbortSignal },
): Promise<ProgramResult> {
  throwIfCanceled(command, call.signal);
  const child = start(command, options);
  const kill = (): void => killQuietly(child);
  call.signal.addEventListener("abort", kill, { once: true });
  try {
    const maxBytes = options.maxOutputBytes ?? MAX_OUTPUT_BYTES;
    const [stdout, stderr, status] = await Promise.all([
      readOutput(child.stdout, maxBytes),
      readOutput(child.stderr, maxBytes),
      child.status,
      options.input === undefined ? undefined : feed(child, options.input),
    ]);
    throwIfCanceled(command, call.signal);
    return { code: status.code, stdout, stderr };
  } finally {
    call.signal.removeEventListener("abort", kill);
  }
}

function start(command: string, options: ProgramOptions): Deno.ChildProcess {
  const { args, directory, env, unset = [] } = options;
  // Deno cannot leave out a variable, `env` can; where there is no `env` (Windows), they are passed on.
  const isWrapped = unset.length > 0 && Deno.build.os !== "windows";
  const wrapped = isWrapped ? ["env", ...unset.flatMap((name) => ["-u", name]), command] : [command];
  const [program = command, ...before] = wrapped;
  try {
    return new Deno.Command(program, {
      args: [...before, ...args],
      ...(directory === undefined ? undefined : { cwd: directory }),
      ...(env === undefined ? undefined : { env }),
      stdin: options.input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    throw notRunnable(command, cause);
  }
}

/** The error for a program that is not there. */
export function notRunnable(command: string, cause?: unknown): EngineError {
  const isDenied = cause instanceof Deno.errors.NotCapable || cause instanceof Deno.errors.PermissionDenied;
  return new EngineError(
    "UNSUPPORTED",
    `Cannot run "${command}": ${isDenied ? "permission denied" : "not installed"}`,
    {
      cause,
      detail: { what: "program", value: command },
      hint: isDenied ? `Allow this process to run "${command}"` : `Install "${command}" and make it found by PATH`,
    },
  );
}

/** Gives a program its input; one that ends without reading it has its own way of saying what is wrong. */
async function feed(child: Deno.ChildProcess, input: string): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
}

function killQuietly(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}

function throwIfCanceled(command: string, signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof EngineError) throw signal.reason;
  throw new EngineError("CANCELED", `Cannot go on running "${command}": it was canceled`, { cause: signal.reason });
}

async function readOutput(stream: ReadableStream<Uint8Array<ArrayBuffer>>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let left = maxBytes;
  for await (const chunk of stream) {
    if (left <= 0) continue;
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= chunk.length;
  }
  return text + decoder.decode();
}
