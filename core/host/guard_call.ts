import type { Call } from "../contract/call.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Check } from "./check.ts";

/** A place in a plugin. */
export interface Place {
  /** The plugin's name. */
  readonly plugin: string;
  /** Hook and method, e.g. `layer.build`. */
  readonly hook: string;
  /** The call that is being made, when it can be cancelled. */
  readonly call?: Call;
}

/** Gives the place of a method. */
export type At = (method: string) => Place;

/** The places in one hook of a plugin. */
export function placeIn(plugin: string, hook: string): At {
  return (method) => ({ plugin, hook: `${hook}.${method}` });
}

/** What the work gives at once. What it throws comes as `PLUGIN_FAILED`, unless it is the engine's own error. */
export function guardNow<T>(place: Place, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failureOf(place, error);
  }
}

/** What the work gives, checked. Rejects as {@linkcode guardNow} throws, and `CANCELED` for anything after the signal has aborted. */
export async function guardCall<T>(place: Place, work: () => Promise<T>, check?: Check<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    throw failureOf(place, error);
  }
  const fault = check?.(result);
  if (fault !== undefined) throw breach(place, fault);
  return result;
}

/** The items that the work gives, each checked. Ends it when the loop over them ends early. */
export function guardEach<T>(place: Place, work: () => AsyncIterable<T>, check: Check<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => guardIterator(place, guardNow(place, () => work()[Symbol.asyncIterator]()), check),
  };
}

// Written out and without `await`, because thousands of items come this way: an async function for each would take half as long again.
function guardIterator<T>(place: Place, iterator: AsyncIterator<T>, check: Check<T>): AsyncIterator<T> {
  const end = async (): Promise<IteratorResult<T>> => {
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  const refuse = async (fault: string): Promise<never> => {
    await end();
    throw breach(place, fault);
  };
  const pass = (next: IteratorResult<T>): IteratorResult<T> | Promise<never> => {
    const fault = next.done === true ? undefined : check(next.value);
    return fault === undefined ? next : refuse(fault);
  };
  const fail = (error: unknown): never => {
    throw failureOf(place, error);
  };
  return {
    next(): Promise<IteratorResult<T>> {
      try {
        return Promise.resolve(iterator.next()).then(pass, fail);
      } catch (error) {
        return Promise.reject(failureOf(place, error));
      }
    },
    return: end,
  };
}

function failureOf(place: Place, error: unknown): EngineError {
  if (isEngineError(error)) return error;
  if (place.call?.signal.aborted === true) {
    return new EngineError("CANCELED", "Cannot go on with the operation: it was canceled", { cause: error });
  }
  const state = error instanceof Error ? error.message : String(error);
  return failed(place, state.slice(0, 2048), error);
}

function breach(place: Place, fault: string): EngineError {
  return failed(place, `${fault}, against the plugin contract`, undefined);
}

function failed({ plugin, hook }: Place, state: string, cause: unknown): EngineError {
  return new EngineError("PLUGIN_FAILED", `Cannot use ${hook} of plugin "${plugin}": ${state}`, {
    detail: { plugin, hook },
    ...(cause === undefined ? {} : { cause }),
  });
}
