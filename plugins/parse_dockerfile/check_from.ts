import { expandWord } from "./expand.ts";
import { type Globals, type GlobalSource, readGlobals } from "./globals.ts";
import { isReference } from "./references.ts";
import type { From, StageSource } from "./stages.ts";

/** Reports each FROM that has no usable name while no build argument is given. */
export function checkDefaultBases(source: StageSource, globalSource: GlobalSource): void {
  let globals: Globals;
  try {
    globals = readGlobals({ ...globalSource, buildArgs: {} });
    for (const [from] of source.file.stages) {
      if (from?.kind === "from") checkDefaultBase(from, globals, source);
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "PARSE_FAILED")) throw error;
    // The file needs an argument to be read at all; the build says so where it matters.
  }
}

function checkDefaultBase(from: From, globals: Globals, source: StageSource): void {
  const options = { escape: source.file.escape, instruction: from, kit: source.kit };
  const { text } = expandWord(from.base, (key) => globals.values.get(key), options);
  if (isReference(source.kit, text)) return;
  const message = `Base image name "${from.base}" is empty or not valid with the default arguments`;
  source.checks.scopedTo(from.comments).report("InvalidDefaultArgInFrom", from.at, message);
}
