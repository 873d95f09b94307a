/**
 * Registers one test; `Deno.test` is one of these.
 *
 * @example Another runner
 * ```ts
 * import type { RegisterTest } from "@strata/strata/conformance";
 *
 * const tests = new Map<string, () => Promise<void>>();
 * const register: RegisterTest = (name, run) => tests.set(name, run);
 * register("nothing", () => Promise.resolve());
 * console.log(tests.size);
 * ```
 */
export type RegisterTest = (name: string, run: () => Promise<void>) => void;

/**
 * Registers tests with Deno's own runner.
 *
 * @example What the suites do by themselves
 * ```ts
 * import { registerWithDeno } from "@strata/strata/conformance";
 *
 * console.log(typeof registerWithDeno);
 * ```
 */
export function registerWithDeno(name: string, run: () => Promise<void>): void {
  Deno.test(name, run);
}
