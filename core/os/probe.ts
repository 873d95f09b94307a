import { findHierarchy, readHierarchies } from "./cgroup_hierarchy.ts";
import { missingForUserNamespace } from "./enter_user_namespace.ts";
import { defaultRuntime } from "./find_runtime.ts";
import { openLibc } from "./libc.ts";
import { runProgram } from "./process.ts";

/** What this host offers, for `strata info`. */
export interface HostFacts {
  /** GOOS-like name, e.g. `linux`. */
  readonly os: string;
  /** Machine, e.g. `x86_64`. */
  readonly architecture: string;
  /** Kernel release. */
  readonly kernel: string;
  /** Number of processors. */
  readonly processors: number;
  /** Bytes of memory. */
  readonly memoryBytes: number;
  /** User number; undefined where there is none. */
  readonly uid: number | undefined;
  /** How files are read: `libc` or `portable`. */
  readonly fileSystem: "libc" | "portable";
  /** Whether the kernel has the overlay file system. */
  readonly hasOverlay: boolean;
  /** Whether users may make user namespaces. */
  readonly hasUserNamespaces: boolean;
  /** Version of the control groups: `v1`, `v2`, `hybrid` or `none`. */
  readonly cgroup: "v1" | "v2" | "hybrid" | "none";
  /** What commands in images are run by when nothing else is asked for: `crun`, `runc` or `chroot`; null where they cannot run. */
  readonly runtime: string | null;
  /** What control groups can limit here: of `memory` and `cpu`. */
  readonly limits: readonly string[];
  /** What a user who is not root lacks here to run commands in images; empty when nothing, and for root. */
  readonly missingForUser: readonly string[];
  /** Interpreters that are registered for programs of other processors (binfmt_misc), sorted. */
  readonly interpreters: readonly string[];
  /** First line of `--version` of the programs that are installed, by name. */
  readonly programs: Readonly<Record<string, string>>;
}

/** Programs that some operations make use of. */
const programs = [
  "crun",
  "fuse-overlayfs",
  "git",
  "newgidmap",
  "newuidmap",
  "runc",
  "setpriv",
  "unshare",
] as const;

/** Looks at the host: what cannot be found out counts as absent. Rejects `CANCELED`. */
export async function probeHost(call: { readonly signal: AbortSignal }): Promise<HostFacts> {
  const versions = await Promise.all(programs.map(async (name) => [name, await versionOf(name, call)] as const));
  return {
    os: Deno.build.os,
    architecture: Deno.build.arch,
    kernel: attempt(() => Deno.osRelease()) ?? "unknown",
    processors: navigator.hardwareConcurrency,
    memoryBytes: attempt(() => Deno.systemMemoryInfo().total) ?? 0,
    uid: attempt(() => Deno.uid()) ?? undefined,
    fileSystem: openLibc() === undefined ? "portable" : "libc",
    hasOverlay: /\boverlay$/m.test(readText("/proc/filesystems")),
    hasUserNamespaces: hasUserNamespaces(),
    cgroup: cgroupVersion(),
    runtime: defaultRuntime() ?? null,
    limits: ["memory", "cpu"].filter((controller) => findHierarchy(readHierarchies(), controller) !== undefined),
    missingForUser: isOrdinaryUser() ? missingForUserNamespace() : [],
    interpreters: interpreters(),
    programs: Object.fromEntries(versions.flatMap(([name, version]) => version === undefined ? [] : [[name, version]])),
  };
}

/** Whether this is a user who is not root; false too where it may not be known. */
function isOrdinaryUser(): boolean {
  return Deno.build.os === "linux" && (attempt(() => Deno.uid()) ?? 0) !== 0;
}

function hasUserNamespaces(): boolean {
  const most = Number(readText("/proc/sys/user/max_user_namespaces"));
  // Debian's and Ubuntu's own switches; absent elsewhere.
  const isSwitchedOff = readText("/proc/sys/kernel/unprivileged_userns_clone").trim() === "0" ||
    readText("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").trim() === "1";
  return most > 0 && (!isSwitchedOff || attempt(() => Deno.uid()) === 0);
}

function cgroupVersion(): HostFacts["cgroup"] {
  const types = readText("/proc/self/mounts").split("\n").map((line) => line.split(" ")[2]);
  const hasV1 = types.includes("cgroup");
  if (types.includes("cgroup2")) return hasV1 ? "hybrid" : "v2";
  return hasV1 ? "v1" : "none";
}

function interpreters(): readonly string[] {
  const folder = "/proc/sys/fs/binfmt_misc";
  const names = attempt(() => [...Deno.readDirSync(folder)].map(({ name }) => name)) ?? [];
  return names.filter((name) => readText(`${folder}/${name}`).startsWith("enabled\ninterpreter")).sort();
}

async function versionOf(program: string, call: { readonly signal: AbortSignal }): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await runProgram(program, { args: ["--version"], maxOutputBytes: 4096 }, call);
    return (stdout + stderr).split("\n")[0]?.trim() ?? "";
  } catch (error) {
    if (call.signal.aborted) throw error;
    return undefined;
  }
}

function readText(path: string): string {
  return attempt(() => Deno.readTextFileSync(path)) ?? "";
}

/** The result, or undefined when the host does not have it or does not let it be seen. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
