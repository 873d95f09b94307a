import type { EngineError, Kit, ParseContext, SourceFile, SourceRange } from "../../core/contract/mod.ts";
import { parseError } from "./fault.ts";

/**
 * Patterns of the ignore file: `<build file>.dockerignore` beside the build file wins, even when it is empty, over `.dockerignore` in the
 * build context. Rejects `PARSE_FAILED` for a malformed one, with its line.
 */
export async function readIgnorePatterns(
  source: SourceFile,
  context: ParseContext,
  kit: Kit,
): Promise<readonly string[]> {
  const ownName = `${source.path.slice(source.path.lastIndexOf("/") + 1)}.dockerignore`;
  const own = source.path === "-" ? undefined : await context.siblingFile(ownName);
  if (own !== undefined) return readPatterns({ path: ownName, text: own }, kit);
  const text = await context.contextFile(".dockerignore");
  return text === undefined ? [] : readPatterns({ path: ".dockerignore", text }, kit);
}

/** Lines of an ignore file that are patterns: no comments (`#` in the first column), none that are blank. */
function readPatterns(file: SourceFile, kit: Kit): readonly string[] {
  return file.text.replace(/^\uFEFF/, "").split(/\r?\n/).flatMap((source, i) => {
    const pattern = source.trim();
    if (source.startsWith("#") || pattern === "") return [];
    checkPattern(pattern, { file: file.path, line: i + 1, endLine: i + 1, source }, kit);
    return [pattern];
  });
}

function checkPattern(pattern: string, at: SourceRange, kit: Kit): void {
  try {
    kit.compileIgnore([pattern]);
  } catch (cause) {
    // What compiles patterns throws engine errors only, and says there what to do.
    const { message, hint } = cause as EngineError;
    throw parseError(kit, { message, at, instruction: "", ...(hint === undefined ? {} : { hint }) });
  }
}
