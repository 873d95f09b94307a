import type { BuildGraph } from "../contract/parse.ts";
import { reachable } from "../build/solve.ts";
import { EngineError, isEngineError } from "../errors.ts";

/** `detail.what` of the error that says that a command line has to be run again in a user namespace. */
export const userNamespace = "user namespace";

/**
 * Rejects `UNSUPPORTED` when this process is not root and may not run commands in images: with `detail.what` "user namespace" and
 * `detail.canEnter` true where it only has to be started again in one. So it does where Deno's permissions do not let it know who it is.
 */
export async function checkRunRights(): Promise<void> {
  if (Deno.build.os !== "linux") return;
  if (Deno.permissions.querySync({ name: "sys", kind: "uid" }).state !== "granted") throw notPermitted();
  // Root has them, and loads nothing.
  if (Deno.uid() === 0) return;
  const { missingForUserNamespace, unsupported } = await import("../os/enter_user_namespace.ts");
  const missing = missingForUserNamespace();
  if (missing.length > 0) throw unsupported(missing);
  throw new EngineError("UNSUPPORTED", "Cannot run commands: this process is not root, and not in a user namespace", {
    detail: { what: userNamespace, canEnter: true },
    hint: "Start it with: unshare -U --map-root-user --map-auto -m",
  });
}

function notPermitted(): EngineError {
  return new EngineError("UNSUPPORTED", "Cannot run commands: Deno gives this process no permission to run programs", {
    detail: { what: "permissions", known: ["run", "ffi", "sys"] },
    hint: "Start it with --allow-all, or build without RUN",
  });
}

/**
 * Rejects as {@linkcode checkRunRights} does when the data below a root has files of other users' numbers, which commands have made in a
 * user namespace: only inside one can they be read and removed. Does nothing where there is no such namespace to enter.
 */
export async function checkOwnerRights(root: string): Promise<void> {
  if (Deno.build.os !== "linux" || Deno.uid() === 0) return;
  if (!["snapshots", "mounts", "runs"].some((name) => exists(`${root}/${name}`))) return;
  await checkRunRights().catch((error) => {
    if (isEngineError(error) && error.detail["canEnter"] !== true) return;
    throw error;
  });
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether a build has commands to run, taken from the cache or not. */
export function runsCommands(graph: BuildGraph): boolean {
  return [...reachable(graph)].some((id) => {
    const node = graph.nodes[id];
    return node?.type === "layer" && (node.op.kind === "run" || node.op.runsCommands === true);
  });
}
