import { EngineError, isEngineError } from "../errors.ts";

/** The `CANCELED` error that an aborted signal stands for; its reason is the cause, and an `EngineError` reason is given back. */
export function canceled(signal: AbortSignal): EngineError {
  const reason: unknown = signal.reason;
  if (isEngineError(reason)) return reason;
  return new EngineError("CANCELED", "Cannot go on with the operation: it was canceled", { cause: reason });
}

/** Throws `CANCELED` when the signal has aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw canceled(signal);
}
