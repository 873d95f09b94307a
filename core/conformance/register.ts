/** Registers one test; `Deno.test` is one of these. */
export type RegisterTest = (name: string, run: () => Promise<void>) => void;

/** Registers tests with Deno's own runner. */
export function registerWithDeno(name: string, run: () => Promise<void>): void {
  Deno.test(name, run);
}
