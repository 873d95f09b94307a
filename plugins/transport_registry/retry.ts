import type { Call, Kit } from "../../core/contract/mod.ts";
import type { Answer } from "./answer.ts";
import { canceled, type Doing, isPassing as mayPass } from "./failure.ts";
import type { Settings } from "./settings.ts";

const retried: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Longest wait that is not asked for by the server, in milliseconds. */
const maxBackoffMs = 30_000;

/** Whether a status may be another one the next time. */
export function isRetried(status: number): boolean {
  return retried.has(status);
}

/**
 * Milliseconds to wait after a failed attempt, which counts from 1: what `Retry-After` asks for, else twice as long each time with
 * some chance in it. Undefined when the server asks for more than the settings allow.
 */
export function retryDelay(
  attempt: number,
  retryAfter: string | null,
  { retryDelayMs, maxRetryDelayMs }: Pick<Settings, "retryDelayMs" | "maxRetryDelayMs">,
): number | undefined {
  const asked = readRetryAfter(retryAfter);
  if (asked !== undefined) return asked <= maxRetryDelayMs ? asked : undefined;
  const longest = Math.min(retryDelayMs * 2 ** (attempt - 1), maxBackoffMs, maxRetryDelayMs);
  return longest / 2 + Math.random() * longest / 2;
}

/** Milliseconds that a `Retry-After` header asks for, given in seconds or as a date (RFC 9110, 10.2.3). */
export function readRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1000;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - Date.now());
}

/** How {@linkcode repeat} goes about it. */
export interface Repetition {
  /** Times that it is tried at most, as far as is known by then. */
  readonly attempts: () => number;
  /** Whether another attempt may be answered otherwise. */
  readonly isPassing: (answer: Answer) => boolean;
  /** Waits in between. */
  readonly settings: Settings;
  /** What is being done. */
  readonly doing: Doing;
  /** Makes errors. */
  readonly kit: Kit;
}

/**
 * Sends something until it is answered for good; gives the last answer, whatever it is. Rejects with what `send` rejects with, and
 * `CANCELED`.
 */
export async function repeat(send: () => Promise<Answer>, repetition: Repetition, call: Call): Promise<Answer> {
  const { attempts, isPassing, settings, doing, kit } = repetition;
  for (let attempt = 1;; attempt++) {
    let retryAfter: string | null = null;
    try {
      const answer = await send();
      retryAfter = answer.headers.get("retry-after");
      const isLast = attempt >= attempts() || retryDelay(attempt, retryAfter, settings) === undefined;
      if (isLast || !isPassing(answer)) return answer;
      await answer.drain();
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (attempt >= attempts()) throw withAttempt(error, attempt, kit);
    }
    await wait(retryDelay(attempt, retryAfter, settings) ?? 0, call.signal);
    if (call.signal.aborted) throw canceled(doing, call.signal, kit);
  }
}

/** The same failure, telling how many times it was tried. */
export function withAttempt(error: unknown, attempt: number, kit: Kit): unknown {
  if (!(error instanceof Error)) return error;
  const { detail, hint } = { detail: {}, hint: undefined, ...error };
  return kit.error("NETWORK_FAILED", error.message, {
    detail: { ...detail, attempt },
    ...(typeof hint === "string" ? { hint } : {}),
  });
}

/** Waits; ends early when the signal aborts. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
