import type { SourceFile } from "../contract/parse.ts";
import { EngineError } from "../errors.ts";

/** Stands in for running build files where a plugin has no sandbox: they would have all that strata has. Rejects `UNSUPPORTED`. */
export function refuseScript(file: SourceFile): Promise<never> {
  return Promise.reject(
    new EngineError("UNSUPPORTED", `Cannot run build script "${file.path}": the plugin runs inside strata`, {
      detail: { what: "build script" },
      hint: 'Take "trusted" off the plugin in the config, and give it the permission "scripts"',
    }),
  );
}
