import { EngineError, isEngineError } from "../errors.ts";

/** The `CANCELED` error that an aborted signal stands for; its reason is the cause, and an `EngineError` reason is given back. */
export function canceled(signal: AbortSignal): EngineError {
  const reason: unknown = signal.reason;
  if (isEngineError(reason)) return reason;
  return new EngineError("CANCELED", "Cannot go on with the operation: it was canceled", { cause: reason });
}

/**
 * What some work gives, or `CANCELED` as soon as the signal aborts, when `onAbort` is called; whether the work goes on then is up to that.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, onAbort?: () => void): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    onAbort?.();
    reject(canceled(signal));
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Throws `CANCELED` when the signal has aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw canceled(signal);
}
