/**
 * Whether a caught value is an error of the engine with one of the codes, also one made by another copy of its class.
 */
export function isEngineErrorCode(error: unknown, codes: ReadonlySet<string>): boolean {
  if (!(error instanceof Error) || error.name !== "EngineError" || !("code" in error)) return false;
  return typeof error.code === "string" && codes.has(error.code);
}
