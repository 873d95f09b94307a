import type { Call } from "../contract/call.ts";

/** Something mounted over a container's root; its target is there already, and no part of it is a symlink. */
export type ContainerMount =
  | {
    readonly type: "bind";
    /** Absolute path of this host, file or directory. */
    readonly source: string;
    /** Absolute path in the container. */
    readonly target: string;
    readonly readonly: boolean;
  }
  | {
    readonly type: "tmpfs";
    readonly target: string;
    /** Permissions of its root; 0755 when left out. */
    readonly mode?: number;
    /** Most bytes it holds; the kernel's choice when left out. */
    readonly maxBytes?: number;
    readonly readonly: boolean;
  };

/** What a container may use at most. */
export interface ContainerLimits {
  /** Bytes of memory, of all processes together. */
  readonly memoryBytes?: number;
  /** Processors, with fractions. */
  readonly cpus?: number;
  /** Bytes of `/dev/shm`; 64 MiB when left out. */
  readonly shmBytes?: number;
  /** Limits of one process by name as for `ulimit`, lower case; -1 for none. */
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
}

/** A command and the container it runs in. */
export interface Container {
  /** Absolute path of this host: the container's root, a directory that is mounted in this process's mount namespace. */
  readonly rootfs: string;
  /** Empty directory of this host for files of the runtime, for synchronous calls; the caller removes it. */
  readonly directory: string;
  /** Program and arguments. */
  readonly args: readonly string[];
  /** `NAME=value`, complete but for the secret ones. */
  readonly env: readonly string[];
  /** `NAME=value`, of other names: no list of processes of the host shows them. With some, `directory` is one in memory. */
  readonly secretEnv?: readonly string[];
  /** Absolute working directory in the container; it is there. */
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  readonly hostname: string;
  /** `none` has a loopback of its own, `host` is the network of this process. */
  readonly network: "none" | "host";
  /** Whether it keeps all capabilities and sees all of `/proc`, `/sys` and `/dev`. */
  readonly isPrivileged: boolean;
  /** After the usual ones: `/proc`, `/dev` with `pts`, `shm` and `mqueue`, `/sys`. In order. */
  readonly mounts: readonly ContainerMount[];
  readonly limits: ContainerLimits;
}

/** Where a container's output goes. */
export type ContainerIo =
  | {
    readonly type: "capture";
    /** Takes output as it comes, in pieces of any size. */
    readonly write: (stream: "stdout" | "stderr", data: Uint8Array<ArrayBuffer>) => void;
  }
  | {
    /** The terminal of this process. */
    readonly type: "terminal";
  };

/** Runs containers. */
export interface ContainerRuntime {
  /** Name for people, such as `crun`. */
  readonly name: string;
  /**
   * Runs a container to its end; gives the exit code of its command, 128 and the signal's number when a signal ended it. Nothing of
   * it lives on afterwards, also when this process is killed. Rejects `CANCELED`, `UNSUPPORTED` for what the host cannot
   * do, `OS_FAILED` when the runtime itself fails.
   */
  run(container: Container, io: ContainerIo, call: Call): Promise<number>;
}
