import { addHistory, addLayer, expand, type LoweringOf } from "./lowering.ts";
import { joinAbsolute } from "./path_text.ts";

/** Changes the working directory, and makes it when it is not the root. Throws `PARSE_FAILED`. */
export function lowerWorkdir(lowering: LoweringOf<"workdir">): void {
  const { instruction, state, checks } = lowering;
  const path = expand(instruction.path, lowering);
  if (!state.hasWorkdir && !path.startsWith("/")) {
    const message = `Relative WORKDIR "${path}" depends on the working directory of the base image`;
    checks.report("WorkdirRelativePath", instruction.at, message);
  }
  state.hasWorkdir = true;
  const directory = joinAbsolute(state.config.WorkingDir ?? "/", path);
  state.config = { ...state.config, WorkingDir: directory };
  const createdBy = `WORKDIR ${directory}`;
  if (directory === "/") return addHistory(createdBy, lowering);
  const owner = state.config.User ?? "";
  const op = { kind: "mkdir", args: { path: directory, owner: owner === "" ? null : owner } };
  addLayer({ op, inputs: [], isLinked: false, createdBy, name: createdBy }, lowering);
}
