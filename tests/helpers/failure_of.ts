import { EngineError } from "../../core/errors.ts";

/** The `EngineError` that some work rejects with; another error is passed on, and that there is none fails the test. */
export async function failureOf(work: () => Promise<unknown>): Promise<EngineError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new TypeError("it did not fail");
}
