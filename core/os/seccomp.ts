import { type SyscallAbi, syscallNames } from "./syscall_table.ts";

/**
 * What docker's default profile lets a program call that has docker's default capabilities (behaves as
 * github.com/moby/profiles, seccomp/default.json, of 2026-06): all but these, and these only with the arguments given.
 */
const denied: ReadonlySet<string> = new Set(
  `
  _sysctl acct add_key afs_syscall bdflush bpf break clock_settime clock_settime64 create_module delete_module
  fanotify_init file_getattr file_setattr finit_module fsconfig fsmount fsopen fspick ftime get_kernel_syms
  get_mempolicy getpmsg gtty idle init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
  kexec_file_load kexec_load keyctl lock lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mbind
  migrate_pages mount mount_setattr move_mount move_pages mpx nfsservctl nice oldfstat oldlstat oldolduname oldstat
  olduname open_by_handle_at open_tree open_tree_attr pciconfig_iobase pciconfig_read pciconfig_write
  perf_event_open pidfd_getfd pivot_root process_madvise prof profil putpmsg query_module quotactl quotactl_fd
  readdir reboot request_key security set_mempolicy set_mempolicy_home_node setdomainname sethostname setns
  settimeofday sgetmask sigaction signal sigpending sigsuspend ssetmask stime stty swapoff swapon sysfs syslog
  tuxcall ulimit umount umount2 unshare uselib userfaultfd ustat vhangup vm86 vm86old vserver
`.trim().split(/\s+/),
);

/** Flags of `clone` that make namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET (linux/sched.h). */
const NEW_NAMESPACES = 0x7e02_0000;
/** Execution domains: Linux, with 32-bit addresses, with UNAME26, with both; and asking for the current one. */
const PERSONALITIES = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff] as const;
/** Socket families that reach out of a container or into the kernel's crypto: AF_ALG and AF_VSOCK. */
const SOCKET_FAMILIES = [38, 40] as const;

/** What happens to a system call, by its first argument where it counts. */
export type SyscallRule =
  | { readonly type: "allow" }
  /** The call fails with this error number. */
  | { readonly type: "fail"; readonly errno: number }
  | { readonly type: "allow-without"; readonly bits: number }
  | { readonly type: "allow-values"; readonly values: readonly number[] }
  | { readonly type: "allow-other-values"; readonly values: readonly number[] };

const EPERM = 1, ENOSYS = 38;
const allow: SyscallRule = { type: "allow" };
const refuse: SyscallRule = { type: "fail", errno: EPERM };

/** What happens to calls that are not known: a program is told that the kernel is too old, and tries another way. */
export const unknownSyscall: SyscallRule = { type: "fail", errno: ENOSYS };

/** What happens to a system call in a container. */
export function syscallRule(name: string): SyscallRule {
  if (name === "clone") return { type: "allow-without", bits: NEW_NAMESPACES };
  // Its flags are in memory, where no filter can look; told that there is none, libc takes `clone`.
  if (name === "clone3") return unknownSyscall;
  if (name === "personality") return { type: "allow-values", values: PERSONALITIES };
  if (name === "socket") return { type: "allow-other-values", values: SOCKET_FAMILIES };
  return denied.has(name) ? refuse : allow;
}

/** Interfaces that programs use on a machine: its own, and that of its 32-bit programs. Undefined for other machines. */
export function abisOf(architecture: string): readonly [native: SyscallAbi, compat: SyscallAbi] | undefined {
  if (architecture === "x86_64") return ["x86_64", "i386"];
  return architecture === "aarch64" ? ["aarch64", "arm"] : undefined;
}

/** An argument's condition (runtime-spec, config-linux.md, "Seccomp"). */
interface SeccompArgument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: "SCMP_CMP_EQ" | "SCMP_CMP_NE" | "SCMP_CMP_LT" | "SCMP_CMP_GT" | "SCMP_CMP_MASKED_EQ";
}

/** The part of a runtime configuration that limits system calls (runtime-spec, config-linux.md, "Seccomp"). */
export interface Seccomp {
  readonly defaultAction: "SCMP_ACT_ERRNO";
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
    readonly errnoRet?: number;
    readonly args?: readonly SeccompArgument[];
  }[];
}

const architectures = {
  x86_64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  i386: [],
  aarch64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
  arm: [],
} as const satisfies Record<SyscallAbi, readonly string[]>;

/** The filter for a machine in the form that an OCI runtime compiles; undefined for a machine that is not known here. */
export function seccompProfile(architecture: string): Seccomp | undefined {
  const abis = abisOf(architecture);
  if (abis === undefined) return undefined;
  const names = new Set(abis.flatMap((abi) => [...syscallNames(abi).values()]));
  const allowed = [...names].filter((name) => syscallRule(name).type === "allow").sort();
  const allowIf = (name: string, ...args: SeccompArgument[]): Seccomp["syscalls"][number] => (
    { names: [name], action: "SCMP_ACT_ALLOW", args }
  );
  const [alg, vsock] = SOCKET_FAMILIES;
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    architectures: architectures[abis[0]],
    syscalls: [
      { names: allowed, action: "SCMP_ACT_ALLOW" },
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
      allowIf("clone", { index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }),
      ...PERSONALITIES.map((value) => allowIf("personality", { index: 0, value, op: "SCMP_CMP_EQ" })),
      // A condition of one rule for each range, as several in one rule have to be met together.
      allowIf("socket", { index: 0, value: alg, op: "SCMP_CMP_LT" }),
      allowIf("socket", { index: 0, value: alg + 1, op: "SCMP_CMP_EQ" }),
      allowIf("socket", { index: 0, value: vsock, op: "SCMP_CMP_GT" }),
    ],
  };
}
