import { isEngineError } from "../errors.ts";
import type { WorkFailure, WorkOrder, WorkReport } from "./worker_pool.ts";

/** What a piece of work gives, and which buffers in it go over without a copy. */
export interface WorkResult<O> {
  readonly output: O;
  readonly transfer?: readonly Transferable[];
}

/** The part of a worker's global scope that answers; the types of a page, which the compiler goes by, do not have it. */
interface WorkerScope {
  postMessage(message: unknown, transfer: readonly Transferable[]): void;
}

/** Makes this thread, which a `WorkerPool` started, do the work that it is sent, one piece after the other where `work` waits for nothing. */
export function serve<I, O>(work: (input: I) => WorkResult<O> | Promise<WorkResult<O>>): void {
  // Every worker has it; this is the one place that says so.
  const scope = globalThis as unknown as WorkerScope;
  globalThis.addEventListener("message", async (event) => {
    const { id, input } = (event as MessageEvent<WorkOrder<I>>).data;
    try {
      const { output, transfer = [] } = await work(input);
      const report: WorkReport<O> = { id, output };
      scope.postMessage(report, transfer);
    } catch (error) {
      const report: WorkReport<O> = { id, failure: failureOf(error) };
      scope.postMessage(report, []);
    }
  });
}

function failureOf(error: unknown): WorkFailure {
  if (isEngineError(error)) return { code: error.code, message: error.message, detail: error.detail };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "INTERNAL", message: `Cannot finish work in a thread: ${message}`, detail: {} };
}
