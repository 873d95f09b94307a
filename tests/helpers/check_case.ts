import { isEngineError } from "../../core/errors.ts";
import { dockerfileHook, readInput } from "./graph_case.ts";
import { parseContext } from "./parse_context.ts";

/** What was found in a build file: by the outline, which sees no base image, and by the build of its last stage. */
export interface Findings {
  /** `severity Rule line N: message`, in file order. */
  readonly outline: readonly string[];
  /** `Rule line N: message`, in file order. */
  readonly build: readonly string[];
}

/** What the file of that name in a golden folder is found to have. */
export async function showFindings(name: string, folder: URL): Promise<Findings> {
  const hook = await dockerfileHook();
  const file = { path: "Dockerfile", text: await Deno.readTextFile(new URL(name, folder)) };
  const input = await readInput(folder);
  const { checks } = await hook.outline(file, parseContext(input));
  const context = parseContext(input);
  try {
    await hook.parse(file, context);
  } catch (error) {
    // With `error=true` the findings come with the refusal.
    if (!isEngineError(error) || error.code !== "PARSE_FAILED") throw error;
  }
  return {
    outline: checks.map(({ rule, severity, message, at }) => `${severity} ${rule} line ${at.line}: ${message}`),
    build: context.events.flatMap((event) =>
      event.type === "warning" ? [`${event.code} line ${event.at?.line ?? 0}: ${event.message}`] : []
    ),
  };
}
