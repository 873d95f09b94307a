/**
 * Runs containers without an OCI runtime: namespaces and limits by util-linux, and a root that becomes the root of the mount
 * namespace, so that `chroot` leaves nothing of the host's files to get back to.
 *
 * A container gets what the configuration for an OCI runtime says, except: no system calls are filtered; a terminal is the caller's own;
 * no control groups are shown; nothing is mounted inside what is mounted for it; and for the moment of the start, the host's list
 * of processes shows the environment but for secrets.
 *
 * @module
 */
import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { makeChrootMounts } from "./chroot_mounts.ts";
import type { Container, ContainerIo, ContainerRuntime } from "./container.ts";
import { makeDeviceNodes } from "./device_nodes.ts";
import { findProgram } from "./find_program.ts";
import { notRunnable } from "./process.ts";
import { makeRunGroup } from "./run_group.ts";
import { type RuntimeSpec, runtimeSpec } from "./runtime_spec.ts";
import { runSandbox, type SandboxTools, shellQuote } from "./sandbox.ts";
import { readSpecHost } from "./spec_host.ts";

/** Programs of the host, by absolute path. */
interface ChrootTools extends SandboxTools {
  readonly env: string;
  readonly prlimit: string;
  readonly setsid: string;
  /** Switches the loopback of a container's own network on; without it, it stays off. */
  readonly ip: string | undefined;
}

/** The runtime that runs containers by programs that every distribution has. Throws `UNSUPPORTED` for one that is absent. */
export function createChrootRuntime(sandboxTools: SandboxTools): ContainerRuntime {
  const find = (name: string): string => {
    const path = findProgram(name);
    if (path === undefined) throw notRunnable(name);
    return path;
  };
  const own = { env: find("env"), prlimit: find("prlimit"), setsid: find("setsid"), ip: findProgram("ip") };
  const tools = { ...sandboxTools, ...own };
  return { name: "chroot", run: (container, io, call) => run(container, { tools, io }, call) };
}

async function run(
  container: Container,
  { tools, io }: { readonly tools: ChrootTools; readonly io: ContainerIo },
  call: Call,
): Promise<number> {
  const { network, hostname, directory } = container;
  const none = {
    isCgroupV2: false,
    seccomp: undefined,
    cgroup: undefined,
    hookPrograms: undefined,
  };
  using nodes = makeDeviceNodes(directory);
  const host = { ...readSpecHost(container), ...none, nodes };
  const spec = runtimeSpec(container, io.type === "terminal", host);
  await using group = makeRunGroup(container);
  // In a file, as the list of processes shows the arguments of all that waits for the command.
  const command = `${directory}/command`;
  Deno.writeTextFileSync(command, commandText(container, spec, tools), { mode: 0o600 });
  const sandbox = {
    options: ["--ipc", "--uts", "--cgroup", ...(network === "none" ? ["--net"] : [])],
    setup: [
      ...group.setup,
      // Inside a user namespace only the system call sets it.
      host.userNamespace === undefined
        ? `printf %s ${shellQuote(hostname)} >/proc/sys/kernel/hostname`
        : `hostname ${shellQuote(hostname)}`,
      ...(network === "none" && tools.ip !== undefined ? [`${tools.ip} link set lo up`] : []),
      ...makeChrootMounts(container, spec, { mount: tools.mount, nodes: nodes.path }),
      // The command may change the mode of its input.
      ...(io.type === "capture" ? [`exec <${shellQuote(`${container.rootfs}/dev/null`)}`] : []),
      // What is above the root of a namespace is itself, so no `..` leads out of it (as switch_root(8)).
      `cd ${shellQuote(container.rootfs)}`,
      `${tools.mount} --no-mtab --move . /`,
      "umask 022",
    ],
    // In a session of its own, the caller's terminal is out of reach: what is put into its input would be run by the caller's shell.
    command: [...(io.type === "capture" ? [tools.setsid] : []), tools.sh, command],
    log: `${directory}/log`,
  };
  const result = await runSandbox(sandbox, { tools, io }, call);
  if (result.isStarted) return result.code;
  throw new EngineError("OS_FAILED", `Cannot run a container with "chroot": ${result.log.trim().slice(0, 2048)}`, {
    detail: { syscall: "mount", path: container.rootfs, exitCode: result.code },
    hint: "Install crun",
  });
}

/** Variables that change how a program of the host is loaded or translated, which an image must not (as glibc's list for setuid programs). */
const loaderVariables = new RegExp(
  "^(LD_.*|MALLOC_.*|GLIBC_.*|GCONV_PATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|LOCPATH|NIS_PATH|NLSPATH|RES_OPTIONS|" +
    "RESOLV_HOST_CONF|TMPDIR|TZDIR|LIBMOUNT_.*|BLKID_.*|LANGUAGE)=",
);
/** Variables that a shell of the host can be told and hands on as they are. */
const shellVariables = /^(?!(?:BASH|LC_)|(?:ENV|EUID|IFS|LANG|PATH|PPID|PS4|SHELLOPTS|UID)=)[A-Za-z_]\w*=/;

/** Sets variables, up to `--`, and becomes the command after it. */
const setVariables = 'while [ "$1" != -- ]; do export "$1"; shift; done; shift; exec "$@"';

/** Shell commands that become the container's command. Secret variables are set by the shell, so that no program is told them. */
function commandText({ env, secretEnv = [] }: Container, spec: RuntimeSpec, tools: ChrootTools): string {
  const isQuiet = (text: string): boolean => shellVariables.test(text) && !loaderVariables.test(text);
  const quiet = secretEnv.filter(isQuiet);
  const variables = [...env, ...secretEnv.filter((text) => !isQuiet(text))];
  return [
    ...quiet.map((text) => `export ${shellQuote(text)}`),
    `exec ${commandOf(variables, spec, tools).map(shellQuote).join(" ")}`,
    "",
  ].join("\n");
}

/** Variables of the shells in between. */
const ownVariables = ["LC_ALL", "OLDPWD", "PWD", "SHLVL", "_"];

/** The command with all that makes it what the configuration says, to be run with the root as working directory. */
function commandOf(env: readonly string[], { process }: RuntimeSpec, tools: ChrootTools): readonly string[] {
  const { args, cwd, user, capabilities, rlimits } = process;
  const bounding = capabilities.bounding.map((name) => `,+${name.slice(4).toLowerCase()}`).join("");
  const groups = user.additionalGids.length === 0 ? ["--clear-groups"] : ["--groups", user.additionalGids.join(",")];
  const limit = (value: number | string): string => typeof value === "number" ? `${value}` : "unlimited";
  const late = env.filter((variable) => loaderVariables.test(variable));
  return [
    tools.env,
    ...ownVariables.flatMap((name) => ["-u", name]),
    "--",
    ...env.filter((variable) => !loaderVariables.test(variable)),
    tools.prlimit,
    ...rlimits.map(({ type, soft, hard }) => `--${type.slice(7).toLowerCase()}=${limit(soft)}:${limit(hard)}`),
    tools.setpriv,
    "--regid",
    `${user.gid}`,
    ...groups,
    "--inh-caps=-all",
    `--bounding-set=-all${bounding}`,
    "--",
    tools.unshare,
    "--root=.",
    `--wd=${cwd}`,
    ...(user.uid === 0 ? [] : [`--setuid=${user.uid}`]),
    "--",
    // The image's own shell may be told whatever it is.
    ...(late.length === 0 ? [] : ["/bin/sh", "-c", setVariables, "sh", ...late, "--"]),
    ...args,
  ];
}
