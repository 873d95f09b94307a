import { assert } from "@std/assert";
import { strataCommand, type StrataOptions, type StrataOutput } from "./strata.ts";

/** A run of the command that is under way. */
export interface StrataProcess extends AsyncDisposable {
  readonly pid: number;
  /** Sends a signal; does nothing when the process has ended. */
  signal(name: Deno.Signal): void;
  /** Waits until standard error so far matches, and gives it. Fails when the process ends before, or after half a minute. */
  seen(pattern: RegExp): Promise<string>;
  /** Waits for the end. */
  ended(): Promise<StrataOutput>;
}

/** How a process is started besides what {@linkcode StrataOptions} say. */
export interface StrataProcessOptions extends StrataOptions {
  /** Program that runs the command, with its own arguments, such as `prlimit --fsize=1`. */
  readonly below?: readonly string[];
  /** Keeps standard input open and empty. */
  readonly holdStdin?: boolean;
}

const patienceMs = 30_000;

/** Starts strata as a process of its own. Disposing it kills it. */
export function startStrata(options: StrataProcessOptions, ...args: string[]): StrataProcess {
  const [program = "", ...first] = [...options.below ?? [], ...strataCommand()];
  const child = new Deno.Command(program, {
    args: [...first, ...args],
    env: { STRATA_ROOT: options.root, NO_COLOR: "1", ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: options.holdStdin === true ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let stderr = "";
  let isRead = false;
  let notice = Promise.withResolvers<void>();
  const reading = (async (): Promise<void> => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      stderr += text;
      notice.resolve();
      notice = Promise.withResolvers<void>();
    }
    isRead = true;
    notice.resolve();
  })();
  const stdout = new Response(child.stdout).text();
  let isOver = false;
  const ended = async (): Promise<StrataOutput> => {
    const { code } = await child.status;
    await reading;
    isOver = true;
    if (options.holdStdin === true) await child.stdin.abort().catch(() => {});
    return { code, stdout: await stdout, stderr };
  };
  const signal = (name: Deno.Signal): void => {
    try {
      child.kill(name);
    } catch (error) {
      // It may have ended by itself.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  return {
    pid: child.pid,
    signal,
    ended,
    async seen(pattern: RegExp): Promise<string> {
      using late = deadline();
      while (!pattern.test(stderr)) {
        await Promise.race([notice.promise, late.passed, child.status]);
        // At its end the notice stands, and nothing more is to come.
        if (isRead) await Promise.race([late.passed, child.status]);
        assert(!isRead || pattern.test(stderr), `the command ended before ${pattern} was seen:\n${stderr}`);
      }
      return stderr;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (isOver) return;
      signal("SIGKILL");
      await ended();
    },
  };
}

/** Runs strata below another program to its end. */
export async function runBelow(options: StrataProcessOptions, ...args: string[]): Promise<StrataOutput> {
  await using process = startStrata(options, ...args);
  return await process.ended();
}

/** A moment after which waiting fails. */
function deadline(): Disposable & { readonly passed: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const timer = setTimeout(() => reject(new Deno.errors.TimedOut("waited too long")), patienceMs);
  return { passed: promise, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Ends after so many milliseconds: the random moment of a test, never a guess at what has happened by then. */
export async function afterMoment(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Numbers from 0 up to 1 that follow from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
