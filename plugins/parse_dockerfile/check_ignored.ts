import type { Instruction } from "./ast.ts";
import type { Lowering } from "./lowering.ts";
import { treePath } from "./path_text.ts";

const everything = new Set(["*", "**", "**/*"]);

/**
 * Reports a source that the ignore file leaves out. With patterns that re-include, that cannot be told from the patterns alone, and
 * nothing is reported.
 */
export async function checkIgnored(
  source: string,
  lowering: Lowering<Extract<Instruction, { readonly kind: "copy" | "add" }>>,
): Promise<void> {
  const { session, instruction, checks } = lowering;
  const patterns = await session.ignorePatterns();
  if (patterns.length === 0 || patterns.some((pattern) => pattern.startsWith("!"))) return;
  const path = treePath(source);
  const isExcluded = path === "."
    ? patterns.some((pattern) => everything.has(pattern))
    : session.kit.compileIgnore(patterns).isExcluded(path);
  if (!isExcluded) return;
  const message = `${instruction.kind.toUpperCase()} of "${path}" finds nothing, because .dockerignore leaves it out`;
  checks.report("CopyIgnoredFile", instruction.at, message);
}
