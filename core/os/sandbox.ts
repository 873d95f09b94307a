/**
 * Runs a command in namespaces of its own such that nothing of it lives on, however it or this process ends.
 *
 * `setpriv` has the kernel kill `unshare` when this process dies, `unshare` its child, and that child is the first process of
 * a PID namespace, which dies as a whole with it (pid_namespaces(7)). A shell in between makes sure that this process is still
 * alive when the kernel has been told so: a signal at death is none for who dies before. For that, the command is
 * started in this process's directory of the outer `/proc`, the inner one does not have it.
 *
 * @module
 */
import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { ContainerIo } from "./container.ts";
import { findProgram } from "./find_program.ts";
import { notRunnable } from "./process.ts";

/** Programs of the host that a sandbox is made of, by absolute path. */
export interface SandboxTools {
  readonly mount: string;
  readonly setpriv: string;
  readonly sh: string;
  readonly umount: string;
  readonly unshare: string;
}

/** A command to run in a sandbox. */
export interface Sandbox {
  /** Namespaces besides mount and PID, and other options of `unshare`. */
  readonly options: readonly string[];
  /** Shell commands that prepare the namespaces; when one fails, the command is not started. */
  readonly setup: readonly string[];
  /** The command, its first part an absolute path. */
  readonly command: readonly string[];
  /** File of this host, not there yet: takes what `setup` says, and whatever else is told its path. */
  readonly log: string;
}

/** How a command in a sandbox ended. */
export interface SandboxResult {
  /** Exit code; 128 and the signal's number when a signal ended it. */
  readonly code: number;
  /** What was written to the log. */
  readonly log: string;
  /** Whether the command itself was started, or `setup` failed. */
  readonly isStarted: boolean;
}

/** Most bytes of a reason that end up in an error. */
const MAX_REASON_BYTES = 2048;
/** Exit code of the shell when `setup` fails, beside the log. */
const SETUP_FAILED = 125;

const toolNames = ["mount", "setpriv", "sh", "umount", "unshare"] as const satisfies readonly (keyof SandboxTools)[];

/** Whether this host has the tools. */
export function hasSandboxTools(): boolean {
  return toolNames.every((name) => findProgram(name) !== undefined);
}

/** The tools; throws `UNSUPPORTED` for the first that is absent. */
export function findSandboxTools(): SandboxTools {
  const find = (name: string): string => {
    const path = findProgram(name);
    if (path === undefined) throw notRunnable(name);
    return path;
  };
  return {
    mount: find("mount"),
    setpriv: find("setpriv"),
    sh: find("sh"),
    umount: find("umount"),
    unshare: find("unshare"),
  };
}

/**
 * Runs a command to its end. Rejects `CANCELED` when the signal aborts; by then no process of it is left. Rejects `OS_FAILED`
 * when the namespaces cannot be made.
 */
export async function runSandbox(
  sandbox: Sandbox,
  { tools, io }: { readonly tools: SandboxTools; readonly io: ContainerIo },
  call: Call,
): Promise<SandboxResult> {
  throwIfCanceled(call.signal);
  const child = start(sandbox, tools, io);
  let isEnded = false;
  const ended = child.status.finally(() => isEnded = true);
  let stopping: Promise<void> | undefined;
  const stop = (): void => void (stopping = kill(child, () => isEnded));
  call.signal.addEventListener("abort", stop, { once: true });
  const errors = new Tail();
  const write = (stream: "stdout" | "stderr", data: Uint8Array<ArrayBuffer>): void => {
    if (stream === "stderr") errors.push(data);
    // What is being killed has nothing to say any more.
    if (io.type === "capture" && stopping === undefined) io.write(stream, data);
  };
  try {
    const outputs = io.type === "terminal" ? [] : [forward(child, "stdout", write), forward(child, "stderr", write)];
    await Promise.all([ended, ...outputs]);
    await stopping;
    throwIfCanceled(call.signal);
    return readResult(await ended, sandbox.log, errors);
  } finally {
    call.signal.removeEventListener("abort", stop);
  }
}

function start(sandbox: Sandbox, tools: SandboxTools, io: ContainerIo): Deno.ChildProcess {
  const { options, setup, command, log } = sandbox;
  // The log's presence says that the namespaces were made.
  const script = [
    `[ -e exe ] || exit ${SETUP_FAILED}`,
    ': >>"$0"',
    ...setup.map((line) => `{ ${line}; } 2>>"$0" || exit ${SETUP_FAILED}`),
    'exec "$@"',
  ].join("\n");
  const namespaces = ["--pid", "--fork", "--mount", "--mount-proc", "--kill-child=KILL", ...options];
  const stdio = io.type === "terminal" ? "inherit" : "piped";
  try {
    return new Deno.Command(tools.setpriv, {
      args: ["--pdeathsig", "KILL", tools.unshare, ...namespaces, "--", tools.sh, "-c", script, log, ...command],
      // As `/proc` knows this process, which may be mounted for an outer PID namespace.
      cwd: `/proc/${Deno.readLinkSync("/proc/self")}`,
      // What this process has may be secret.
      clearEnv: true,
      env: { LC_ALL: "C" },
      stdin: io.type === "terminal" ? "inherit" : "null",
      stdout: stdio,
      stderr: stdio,
    }).spawn();
  } catch (cause) {
    throw notRunnable(tools.setpriv, cause);
  }
}

/** A word of a shell command that stands for itself. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function forward(
  child: Deno.ChildProcess,
  stream: "stdout" | "stderr",
  write: (stream: "stdout" | "stderr", data: Uint8Array<ArrayBuffer>) => void,
): Promise<void> {
  for await (const data of child[stream]) write(stream, data);
}

/**
 * Kills the first process of the PID namespace: `unshare` waits for it, and the kernel lets it go only when the whole namespace is
 * dead. Before there is one, it is waited for: killing `unshare` while it forks could leave one behind.
 */
async function kill(child: Deno.ChildProcess, isEnded: () => boolean): Promise<void> {
  for (let attempt = 0; !isEnded(); attempt++) {
    for (const pid of readChildren(child.pid)) killQuietly(pid);
    // A kernel that does not list children.
    if (attempt === 500) killQuietly(child.pid);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Children of a child of this process. Once it has been waited for, another process may have its number. */
function readChildren(pid: number): readonly number[] {
  try {
    const [, parent] = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
    if (parent !== Deno.readLinkSync("/proc/self")) return [];
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
    return text.split(" ").map(Number).filter((child) => child > 0);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function readResult(status: Deno.CommandStatus, path: string, errors: Tail): SandboxResult {
  let log: string;
  try {
    log = Deno.readTextFileSync(path);
  } catch (cause) {
    throw new EngineError(
      "OS_FAILED",
      `Cannot make the namespaces of a container: ${errors.text() || "no reason given"}`,
      {
        cause,
        detail: { syscall: "unshare", exitCode: status.code },
        hint: "Run as root, or allow user namespaces",
      },
    );
  }
  // unshare fails to die of SIGKILL as its child did: it cannot unblock that one (util-linux 2.38).
  const isKilled = status.code === 1 && /unshare: sigprocmask unblock failed: .*$/.test(errors.text());
  const code = isKilled ? 128 + 9 : status.code;
  return { code, log, isStarted: !(code === SETUP_FAILED && log !== "") };
}

/** The last bytes of an output. */
class Tail {
  #bytes = new Uint8Array();

  push(data: Uint8Array): void {
    const last = data.subarray(-MAX_REASON_BYTES);
    const both = new Uint8Array(this.#bytes.length + last.length);
    both.set(this.#bytes);
    both.set(last, this.#bytes.length);
    this.#bytes = both.subarray(-MAX_REASON_BYTES);
  }

  text(): string {
    return new TextDecoder().decode(this.#bytes).trim();
  }
}

function throwIfCanceled(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof EngineError) throw signal.reason;
  throw new EngineError("CANCELED", "Cannot go on with the container: it was canceled", { cause: signal.reason });
}
