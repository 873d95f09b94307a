/** Thrown by every failing assertion. */
export class AssertionError extends Error {}
/** Fails unless the expression is truthy. */
export function assert(expr: unknown, msg?: string): asserts expr;
/** Fails unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void;
/** Fails when both values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void;
/** Fails unless both values are the same by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T;
/** Fails unless the string holds the other. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void;
/** Fails unless the string matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void;
/** Fails when the string matches. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void;
/** Fails when the value is null or undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T>;
/** Fails unless the value is an instance of the class. */
// deno-lint-ignore no-explicit-any -- a constructor of any signature, as in the library's own types
export function assertInstanceOf<T extends abstract new (...args: any[]) => unknown>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T>;
/** Fails unless the object has the expected subset. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- as in the library's own types
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void;
/** Fails unless actual is less than expected. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void;
/** Fails unless actual is at most expected. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void;
/** Fails unless actual is greater than expected. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void;
/** Fails unless the function throws; gives the error. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Fails unless the function throws an error of the class with the text in its message; gives the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any -- as in the library's own types
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
/** Fails unless the promise rejects; gives the error. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Fails unless the promise rejects with an error of the class with the text in its message; gives the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any -- as in the library's own types
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
/** Fails always. */
export function fail(msg?: string): never;
/** Whether both values are deeply equal. */
export function equal(a: unknown, b: unknown): boolean;
