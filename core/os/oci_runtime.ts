import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Container, ContainerIo, ContainerRuntime } from "./container.ts";
import { makeDeviceNodes } from "./device_nodes.ts";
import { enterMountNamespace } from "./mount.ts";
import { formatRuntimeSpec, runtimeSpec, type SpecSeccomp } from "./runtime_spec.ts";
import { readRuntimeFailure } from "./runtime_failure.ts";
import { leaveGroupToRuntime, makeRunGroup } from "./run_group.ts";
import { runSandbox, type SandboxResult, type SandboxTools } from "./sandbox.ts";
import { seccompProfile } from "./seccomp.ts";
import { compileSeccompFilter } from "./seccomp_filter.ts";
import { readSpecHost } from "./spec_host.ts";
import { readUserNamespace } from "./user_namespace.ts";

/** An OCI runtime of this host. */
export interface OciProgram {
  /** Whose options it takes. */
  readonly kind: "crun" | "runc";
  /** Absolute path. */
  readonly path: string;
}

/** The runtime that runs containers by a program of the host, `crun`, `runc` or one that takes the same options. */
export function createOciRuntime(program: OciProgram, tools: SandboxTools): ContainerRuntime {
  // Made once, as it takes milliseconds.
  let seccomp: SpecSeccomp | undefined;
  return {
    name: program.path.slice(program.path.lastIndexOf("/") + 1),
    async run(container, io, call): Promise<number> {
      seccomp ??= makeSeccomp(program.kind);
      if (program.kind === "crun") easeCrun(program.path);
      return await run(container, io, { program, tools, seccomp, call });
    },
  };
}

function makeSeccomp(kind: OciProgram["kind"]): SpecSeccomp | undefined {
  const profile = seccompProfile(Deno.build.arch);
  const filter = kind === "crun" ? compileSeccompFilter(Deno.build.arch) : undefined;
  return profile === undefined ? undefined : { profile, filter: filter?.toBase64() };
}

interface Parts {
  readonly program: OciProgram;
  readonly tools: SandboxTools;
  readonly seccomp: SpecSeccomp | undefined;
  readonly call: Call;
}

async function run(container: Container, io: ContainerIo, { program, tools, seccomp, call }: Parts): Promise<number> {
  const { directory } = container;
  const log = `${directory}/log`;
  await using group = program.kind === "crun" ? makeRunGroup(container) : leaveGroupToRuntime(container);
  // runc lets only the devices work that it makes.
  using nodes = program.kind === "crun" ? makeDeviceNodes(directory) : undefined;
  const spec = runtimeSpec(container, io.type === "terminal", {
    ...readSpecHost(container),
    nodes,
    seccomp,
    cgroup: group.left,
    hookPrograms: program.kind === "crun" ? tools : undefined,
  });
  Deno.writeTextFileSync(`${directory}/config.json`, formatRuntimeSpec(spec), { mode: 0o600 });
  const sandbox = {
    options: [],
    setup: [
      ...group.setup,
      ...(program.kind === "crun" ? hideUnified(tools) : []),
    ],
    command: [program.path, ...runtimeOptions(program.kind, directory, log)],
    log,
  };
  const result = await runSandbox(sandbox, { tools, io }, call);
  return readExitCode(container, io, { program, result });
}

function runtimeOptions(kind: OciProgram["kind"], directory: string, log: string): readonly string[] {
  const common = ["--root", `${directory}/state`, "--log", log];
  const own = kind === "crun" ? ["--cgroup-manager=disabled"] : ["--log-format", "json"];
  return [...common, ...own, "run", "--bundle", directory, "container"];
}

const UNIFIED = "/sys/fs/cgroup/unified";

/**
 * Spares crun, in this process's own mount namespace, what takes a third of the time it needs: copying itself and starting again,
 * which it does unless nobody can write to its file (libcrun, cloned_binary.c), and the program that hides control groups from it.
 */
function easeCrun(path: string): void {
  if (readUserNamespace() !== undefined) return;
  const mounter = enterMountNamespace();
  mounter.protect(path);
  const controllers = readControllers();
  // Those that limits need stay.
  if (controllers !== "" && !/\b(cpu|memory)\b/.test(controllers)) mounter.unmount(UNIFIED);
}

/** Controllers of version 2 on a host that has both; empty on others, and where they are hidden. */
function readControllers(): string {
  try {
    return Deno.readTextFileSync(`${UNIFIED}/cgroup.controllers`).trim();
  } catch {
    return "";
  }
}

/**
 * crun refuses hosts that have control groups of both versions and controllers in version 2, also when it is told to leave them
 * alone ("drop all controllers from cgroupv2", crun 1.8 to 1.24): it is not shown those.
 */
function hideUnified(tools: SandboxTools): readonly string[] {
  if (readControllers() === "") return [];
  // Inside a user namespace the mount is locked, but it can be covered.
  return readUserNamespace() === undefined
    ? [`${tools.umount} --lazy ${UNIFIED}`]
    : [`${tools.mount} -t tmpfs none /sys/fs/cgroup`];
}

function readExitCode(
  { args }: Container,
  io: ContainerIo,
  { program, result }: { readonly program: OciProgram; readonly result: SandboxResult },
): number {
  const failure = result.code === 0 ? undefined : readRuntimeFailure(program.kind, result.log);
  if (failure === undefined) return result.code;
  const { reason, exitCode } = failure;
  if (exitCode === undefined || !result.isStarted) {
    throw new EngineError("OS_FAILED", `Cannot run a container with "${program.path}": ${reason.slice(0, 2048)}`, {
      detail: { syscall: "exec", path: program.path, exitCode: result.code },
    });
  }
  // The runtime has said it on the command's own output, but not always of which file.
  const name = args[0] ?? "";
  if (io.type === "capture" && !reason.includes(name)) {
    io.write("stderr", new TextEncoder().encode(`exec: "${name}": permission denied\n`));
  }
  return exitCode;
}
