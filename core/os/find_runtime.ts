import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { sweepCgroups } from "./cgroup.ts";
import type { ContainerRuntime } from "./container.ts";
import { findProgram, isExecutable } from "./find_program.ts";
import { keepInheritedFiles } from "./inherited_files.ts";
import { findSandboxTools, hasSandboxTools } from "./sandbox.ts";

/** OCI runtimes, best first: crun starts three times as fast. */
const known = ["crun", "runc"] as const;

/**
 * The runtime that containers are run by: the one wanted, `crun`, `runc`, `chroot` or the absolute path of an OCI runtime; when left
 * out, the best that is installed, `chroot` without any. Rejects `UNSUPPORTED` when this host has not what it takes,
 * `INVALID_ARGUMENT` for a name that is not known.
 */
export async function findRuntime(wanted: string | undefined, _call: Call): Promise<ContainerRuntime> {
  if (Deno.build.os !== "linux") {
    throw new EngineError("UNSUPPORTED", `Cannot run a command in an image on "${Deno.build.os}"`, {
      detail: { what: "operating system", value: Deno.build.os, known: ["linux"] },
      hint: "Build on Linux, for example in a virtual machine",
    });
  }
  const path = findPath(wanted);
  const tools = findSandboxTools();
  keepInheritedFiles();
  // What a process that was killed could not remove.
  sweepCgroups();
  if (path === undefined) {
    const { createChrootRuntime } = await import("./chroot_runtime.ts");
    return createChrootRuntime(tools);
  }
  const { createOciRuntime } = await import("./oci_runtime.ts");
  return createOciRuntime({ kind: /(^|[/-])crun[^/]*$/.test(path) ? "crun" : "runc", path }, tools);
}

/** Name of the runtime that is taken when none is wanted; undefined where there is none. */
export function defaultRuntime(): "crun" | "runc" | "chroot" | undefined {
  if (Deno.build.os !== "linux" || !hasSandboxTools()) return undefined;
  return known.find((name) => findProgram(name) !== undefined) ?? "chroot";
}

/** Path of the program that is an OCI runtime; undefined for none, when that is wanted or none is installed. */
function findPath(wanted: string | undefined): string | undefined {
  if (wanted === undefined) return known.map(findProgram).find((found) => found !== undefined);
  if (wanted === "chroot") return undefined;
  if (wanted.startsWith("/")) {
    if (!isExecutable(wanted)) throw notInstalled(wanted);
    return wanted;
  }
  if (!known.some((name) => name === wanted)) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot use runtime "${wanted}": no such runtime`, {
      detail: { field: "runtime", value: wanted, known: [...known, "chroot"] },
      hint: `Use one of "crun", "runc" and "chroot", or the absolute path of an OCI runtime`,
    });
  }
  const path = findProgram(wanted);
  if (path === undefined) throw notInstalled(wanted);
  return path;
}

function notInstalled(wanted: string): EngineError {
  return new EngineError("UNSUPPORTED", `Cannot use runtime "${wanted}": not installed`, {
    detail: { what: "runtime", value: wanted, known },
    hint: wanted.startsWith("/")
      ? "Name a program that is there"
      : `Install "${wanted}" with the host's package manager`,
  });
}
