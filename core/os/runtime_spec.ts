import { containerCapabilities } from "./capability.ts";
import type { Container, ContainerMount } from "./container.ts";
import type { Seccomp } from "./seccomp.ts";
import { isMapped, type UserNamespace } from "./user_namespace.ts";

/** A mount (runtime-spec, config.md, "Mounts"). */
export interface SpecMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** A limit of one process; left out values mean none (runtime-spec, config.md, "POSIX process"). */
interface SpecRlimit {
  readonly type: string;
  readonly soft: number | typeof UNLIMITED;
  readonly hard: number | typeof UNLIMITED;
}

/** A device node (runtime-spec, config-linux.md, "Devices"). */
export interface SpecDevice {
  readonly type: "c" | "b";
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Limits of a control group (runtime-spec, config-linux.md, "Control groups"). */
export interface SpecResources {
  readonly devices: readonly { readonly allow: boolean; readonly access: "rwm" }[];
  readonly memory?: { readonly limit: number; readonly swap: number };
  readonly cpu?: { readonly quota: number; readonly period: number };
}

/** What an OCI runtime is told to run (runtime-spec 1.0.2, config.md), as far as it is used here. */
export interface RuntimeSpec {
  readonly ociVersion: "1.0.2";
  readonly process: {
    readonly terminal: boolean;
    readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids: readonly number[] };
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly capabilities: Readonly<Record<"bounding" | "effective" | "permitted", readonly string[]>>;
    readonly rlimits: readonly SpecRlimit[];
    readonly noNewPrivileges: boolean;
  };
  readonly root: { readonly path: string };
  readonly hostname: string;
  readonly mounts: readonly SpecMount[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hooks?: { readonly createContainer: readonly { readonly path: string; readonly args: readonly string[] }[] };
  readonly linux: {
    readonly namespaces: readonly { readonly type: string }[];
    readonly devices?: readonly SpecDevice[];
    readonly cgroupsPath?: string;
    readonly resources?: SpecResources;
    readonly maskedPaths: readonly string[];
    readonly readonlyPaths: readonly string[];
    readonly seccomp?: Seccomp;
  };
}

/** What the configuration depends on besides the container. */
export interface SpecHost {
  /** Mask of the capabilities that can be given. */
  readonly capabilities: bigint;
  /** The user namespace that the runtime is in, when it is not the initial one. */
  readonly userNamespace: UserNamespace | undefined;
  /** Whether all control groups are in one version 2 hierarchy. */
  readonly isCgroupV2: boolean;
  /** Devices of the host, for a privileged container. */
  readonly devices: readonly SpecDevice[];
  /** The system call filter; none where it is not known for the machine. */
  readonly seccomp: SpecSeccomp | undefined;
  /** Control group that the runtime is to make, of a runtime that makes one anyhow. */
  readonly cgroup: { readonly path: string; readonly resources: SpecResources } | undefined;
  /** Folder with the usual devices, and options to mount them with; none when the runtime makes them and lets only them work. */
  readonly nodes: { readonly path: string; readonly options: readonly string[] } | undefined;
  /** Absolute paths of programs of the host, for a runtime that has no device control and takes `nodev` off a root. */
  readonly hookPrograms: { readonly mount: string; readonly sh: string } | undefined;
}

/** A system call filter. */
export interface SpecSeccomp {
  /** For the runtime to compile. */
  readonly profile: Seccomp;
  /** The same, compiled, base64: a runtime that can take it starts much sooner. */
  readonly filter: string | undefined;
}

/** Devices every container has. */
export const defaultDevices = ["null", "zero", "full", "random", "urandom", "tty"] as const;

/** What docker hides in a container, as far as a kernel has it. */
export const maskedPaths: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

/** What docker makes read-only in a container. */
export const readonlyPaths: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** Bytes of `/dev/shm` when nothing else is asked for. */
export const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

/** Group of terminals; the same on every Linux distribution. */
const TTY_GID = 5;

const UNLIMITED = "RLIM_INFINITY";

/**
 * The configuration an OCI runtime runs a container with: what docker's builder would give it. No devices work but those in
 * `/dev`. Where the runtime does not see to that, they are mounted, and `/dev`, the root and all other mounts are `nodev`:
 * a device control group, which costs more time than all else, is not needed to keep a container from the host's disks.
 */
export function runtimeSpec(container: Container, isTerminal: boolean, host: SpecHost): RuntimeSpec {
  const { uid, gid, groups, args, env, secretEnv = [], cwd, isPrivileged, rootfs, hostname, limits } = container;
  const capabilities = containerCapabilities(host.capabilities, isPrivileged).map((name) => `CAP_${name}`);
  // As docker and BuildKit: the set is a root user's; another user gets some by running a setuid program.
  const effective = uid === 0 ? capabilities : [];
  const seccomp = isPrivileged ? undefined : host.seccomp;
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: isTerminal,
      user: { uid, gid, additionalGids: groups },
      args,
      env: [...env, ...secretEnv],
      cwd,
      capabilities: { bounding: capabilities, effective, permitted: effective },
      rlimits: (limits.ulimits ?? []).map(({ name, soft, hard }) => (
        { type: `RLIMIT_${name.toUpperCase()}`, soft: rlimit(soft), hard: rlimit(hard) }
      )),
      noNewPrivileges: false,
    },
    root: { path: rootfs },
    hostname,
    mounts: [...systemMounts(container, host), ...container.mounts.map((mount) => specMount(mount, isPrivileged))],
    // Taken by crun, which then leaves the profile aside (crun.1).
    ...(seccomp?.filter === undefined ? undefined : { annotations: { "run.oci.seccomp_bpf_data": seccomp.filter } }),
    ...withHooks(container, host),
    linux: {
      namespaces: ["pid", "mount", "ipc", "uts", "cgroup", ...(container.network === "none" ? ["network"] : [])]
        .map((type) => ({ type })),
      ...(isPrivileged ? { devices: host.devices } : undefined),
      ...(host.cgroup === undefined ? undefined : { cgroupsPath: host.cgroup.path, resources: host.cgroup.resources }),
      maskedPaths: isPrivileged ? [] : maskedPaths,
      readonlyPaths: isPrivileged ? [] : readonlyPaths,
      ...(seccomp === undefined ? undefined : { seccomp: seccomp.profile }),
    },
  };
}

/**
 * Devices that a layer brings or the command makes must not work: with those of the host's disks, it would read all of the host. In a
 * user namespace they never do; crun takes `nodev` off a root that was mounted with it, so it is set again after that.
 */
function withHooks({ rootfs, isPrivileged }: Container, host: SpecHost): Pick<RuntimeSpec, "hooks"> | undefined {
  const { hookPrograms, userNamespace } = host;
  if (isPrivileged || userNamespace !== undefined || hookPrograms === undefined) return undefined;
  const { sh, mount } = hookPrograms;
  // crun fails when a hook ends before it has been told the state.
  const script = 'read -r _; exec "$@"';
  const args = ["sh", "-c", script, "sh", mount, "--no-mtab", "-o", "remount,bind,nodev", "none", rootfs];
  return { hooks: { createContainer: [{ path: sh, args }] } };
}

/** The text of `config.json`. */
export function formatRuntimeSpec(spec: RuntimeSpec): string {
  // 2^64-1 stands for no limit, which a JavaScript number cannot hold.
  return JSON.stringify(spec).replaceAll(`"soft":"${UNLIMITED}"`, `"soft":${2n ** 64n - 1n}`)
    .replaceAll(`"hard":"${UNLIMITED}"`, `"hard":${2n ** 64n - 1n}`);
}

function rlimit(value: number): number | typeof UNLIMITED {
  return value < 0 ? UNLIMITED : value;
}

function systemMounts(container: Container, host: SpecHost): readonly SpecMount[] {
  const { isPrivileged, network, limits } = container;
  const nodes = isPrivileged ? undefined : host.nodes;
  const kernel = ["nosuid", "noexec", "nodev"];
  const isWritable = isPrivileged ? [] : ["ro"];
  const hasTtyGroup = host.userNamespace === undefined || isMapped(host.userNamespace.gids, TTY_GID);
  const mount = (type: string, destination: string, ...options: readonly string[]): SpecMount => (
    { destination, type, source: type, options }
  );
  return [
    mount("proc", "/proc", ...kernel),
    mount(
      "tmpfs",
      "/dev",
      "nosuid",
      ...(nodes === undefined ? [] : ["nodev"]),
      "strictatime",
      "mode=755",
      "size=65536k",
    ),
    ...defaultDevices.flatMap((name): readonly SpecMount[] => {
      if (nodes === undefined) return [];
      const options = ["bind", "nosuid", "noexec", ...nodes.options];
      return [{ destination: `/dev/${name}`, type: "bind", source: `${nodes.path}/${name}`, options }];
    }),
    mount(
      "devpts",
      "/dev/pts",
      "nosuid",
      "noexec",
      "newinstance",
      "ptmxmode=0666",
      "mode=0620",
      ...(hasTtyGroup ? [`gid=${TTY_GID}`] : []),
    ),
    mount("tmpfs", "/dev/shm", ...kernel, "mode=1777", `size=${limits.shmBytes ?? DEFAULT_SHM_BYTES}`),
    mount("mqueue", "/dev/mqueue", ...kernel),
    // The host's network is what sysfs shows, and a user namespace does not own that.
    host.userNamespace !== undefined && network === "host"
      ? { destination: "/sys", type: "bind", source: "/sys", options: ["rbind", ...kernel, "ro"] }
      : mount("sysfs", "/sys", ...kernel, ...isWritable),
    ...(host.isCgroupV2 ? [mount("cgroup", "/sys/fs/cgroup", ...kernel, ...isWritable)] : []),
  ];
}

function specMount(mount: ContainerMount, isPrivileged: boolean): SpecMount {
  const options = [...(isPrivileged ? [] : ["nodev"]), mount.readonly ? "ro" : "rw"];
  if (mount.type === "bind") {
    return { destination: mount.target, type: "bind", source: mount.source, options: ["rbind", ...options] };
  }
  const size = mount.maxBytes === undefined ? [] : [`size=${mount.maxBytes}`];
  return {
    destination: mount.target,
    type: "tmpfs",
    source: "tmpfs",
    // The kernel's choice is 1777, which runc overrides and crun leaves.
    options: ["nosuid", ...options, `mode=${(mount.mode ?? 0o755).toString(8)}`, ...size],
  };
}
