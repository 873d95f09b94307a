import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Container, ContainerIo, ContainerRuntime } from "./container.ts";
import { makeDeviceNodes } from "./device_nodes.ts";
import { formatRuntimeSpec, runtimeSpec, type SpecSeccomp } from "./runtime_spec.ts";
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
    run(container, io, call): Promise<number> {
      seccomp ??= makeSeccomp(program.kind);
      return run(container, io, { program, tools, seccomp, call });
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

/**
 * crun refuses hosts that have control groups of both versions and controllers in version 2, also when it is told to leave them
 * alone ("drop all controllers from cgroupv2", crun 1.8 to 1.24): it is not shown those.
 */
function hideUnified(tools: SandboxTools): readonly string[] {
  const unified = "/sys/fs/cgroup/unified";
  try {
    if (Deno.readTextFileSync(`${unified}/cgroup.controllers`).trim() === "") return [];
  } catch {
    return [];
  }
  // Inside a user namespace the mount is locked, but it can be covered.
  return readUserNamespace() === undefined
    ? [`${tools.umount} --lazy ${unified}`]
    : [`${tools.mount} -t tmpfs none /sys/fs/cgroup`];
}

/** What is shown and returned for a command that cannot be started, as a shell has it (POSIX, "Exit Status for Commands"). */
const NOT_FOUND = 127, NOT_EXECUTABLE = 126;

function readExitCode(
  { args }: Container,
  io: ContainerIo,
  { program, result }: { readonly program: OciProgram; readonly result: SandboxResult },
): number {
  const reason = program.kind === "crun" ? lastLine(result.log) : lastJsonError(result.log);
  if (result.code === 0 || (reason === "" && result.isStarted)) return result.code;
  const name = args[0] ?? "";
  const isAbout = (text: RegExp): boolean => result.isStarted && text.test(reason);
  if (isAbout(/executable file.* not found|exec: .*no such file/i)) return NOT_FOUND;
  if (isAbout(/open executable|exec: .*permission denied/i)) {
    if (io.type === "capture" && !reason.includes(name)) {
      io.write("stderr", new TextEncoder().encode(`exec: "${name}": permission denied\n`));
    }
    return NOT_EXECUTABLE;
  }
  throw new EngineError("OS_FAILED", `Cannot run a container with "${program.path}": ${reason.slice(0, 2048)}`, {
    detail: { syscall: "exec", path: program.path, exitCode: result.code },
  });
}

function lastLine(log: string): string {
  return log.trimEnd().split("\n").at(-1) ?? "";
}

function lastJsonError(log: string): string {
  const messages = log.split("\n").flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line);
      const isError = typeof entry === "object" && entry !== null && "level" in entry && entry.level === "error";
      return isError && "msg" in entry && typeof entry.msg === "string" ? [entry.msg] : [];
    } catch {
      return line.trim() === "" ? [] : [line.trim()];
    }
  });
  return messages.at(-1) ?? "";
}
