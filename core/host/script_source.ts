import type { SourceFile } from "../contract/parse.ts";
import { isEngineError } from "../errors.ts";
import { checkImports } from "./plugin_source.ts";
import type { PluginPermissions } from "./plugin_entry.ts";
import { EngineError } from "../errors.ts";

/** A build file that a plugin may run, as it goes into a sandbox. */
export interface PreparedScript extends SourceFile {
  /** Why it is not run, when it is not. */
  readonly refusal?: {
    /** What is told. */
    readonly message: string;
    /** Line that is wrong, from 1. */
    readonly line: number;
    /** What can be done about it. */
    readonly hint: string;
  };
}

/** Looks at the imports of a build file as at those of a plugin: it may have none but of types. */
export function prepareScript({ path, text }: SourceFile): PreparedScript {
  const refuse = (state: string, line: number): PreparedScript => ({
    path,
    text,
    refusal: {
      message: `Cannot run build script "${path}": it has ${state}, expected none`,
      line,
      hint:
        'A build script is one file that reads its arguments and the names of the context: import types with "import type", and avoid the word in texts and comments where it looks like an import',
    },
  });
  try {
    const [first] = checkImports({ plugin: path, text });
    if (first === undefined) return { path, text };
    return refuse(`the import of "${first.specifier}"`, text.slice(0, first.at).split("\n").length);
  } catch (error) {
    const line = isEngineError(error) ? error.detail["line"] : undefined;
    const state = isEngineError(error) ? /: line \d+ has (.*), expected none$/s.exec(error.message)?.[1] : undefined;
    if (typeof line !== "number" || state === undefined) throw error;
    return refuse(state, line);
  }
}

/** Throws `UNSUPPORTED` for a plugin that runs build files and is given something, which they would have too. */
export function checkScriptPermissions(plugin: string, { scripts = false, ...others }: PluginPermissions): void {
  if (!scripts) return;
  const given = Object.entries(others).filter(([, what]) => what === true || (Array.isArray(what) && what.length > 0));
  const [kind] = given[0] ?? [];
  if (kind === undefined) return;
  throw new EngineError(
    "UNSUPPORTED",
    `Cannot load plugin "${plugin}": it runs build files as programs, which would be given "${kind}" too`,
    {
      detail: { what: "permissions", plugin },
      hint: 'Give it "scripts" and nothing else, or something and not "scripts"',
    },
  );
}
