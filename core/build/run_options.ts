import type { Json } from "../oci/canonical_json.ts";
import type { SnapshotterKind } from "../snapshot/snapshotter.ts";

/**
 * Where the content of a secret is.
 *
 * @example A secret in a file
 * ```ts
 * import type { SecretSource } from "@strata/strata";
 *
 * const secret: SecretSource = { type: "file", path: "/run/secrets/token" };
 * console.log(secret.type);
 * ```
 */
export type SecretSource =
  | {
    readonly type: "file";
    /** Path of this host. */
    readonly path: string;
  }
  | { readonly type: "value"; readonly value: string };

/**
 * A limit of a process's resources.
 *
 * @example Few open files
 * ```ts
 * import type { Ulimit } from "@strata/strata";
 *
 * const limit: Ulimit = { name: "nofile", soft: 1024, hard: 4096 };
 * console.log(limit.name);
 * ```
 */
export interface Ulimit {
  /** Name as for `ulimit`, lower case, such as `nofile`. */
  readonly name: string;
  /** -1 for none. */
  readonly soft: number;
  /** -1 for none. */
  readonly hard: number;
}

/**
 * One thing that commands may do only when the caller allows it.
 *
 * @example What a build file may ask for
 * ```ts
 * import type { Entitlement } from "@strata/strata";
 *
 * const allowed: readonly Entitlement[] = ["network.host"];
 * console.log(allowed);
 * ```
 */
export type Entitlement = "network.host" | "security.insecure";

/** Everything that a caller may allow. */
export const entitlements: readonly Entitlement[] = ["network.host", "security.insecure"];

/**
 * How the commands of a build run. Only {@linkcode commandSettings} are part of a cache key.
 *
 * @example Commands with a secret and without a network
 * ```ts
 * import type { RunOptions } from "@strata/strata";
 *
 * const run: RunOptions = {
 *   network: "none",
 *   memoryBytes: 512 << 20,
 *   secrets: { token: { type: "file", path: "/run/secrets/token" } },
 * };
 * console.log(run.network);
 * ```
 */
export interface RunOptions {
  /** OCI runtime: `crun`, `runc`, a path, or `chroot`; the first one that is installed when left out. */
  readonly runtime?: string;
  /** How filesystem states become directories; overlays where they can be mounted when left out. */
  readonly snapshotter?: SnapshotterKind;
  /** Network of commands that do not choose one; `default` when left out. */
  readonly network?: "default" | "host" | "none";
  /** Lines of `/etc/hosts` besides the usual ones; the address `host-gateway` stands for the host. */
  readonly hosts?: readonly { readonly name: string; readonly address: string }[];
  /** Name servers in place of the host's. */
  readonly dns?: readonly string[];
  /** Search domains in place of the host's; none when empty. */
  readonly dnsSearch?: readonly string[];
  /** Resolver options in place of the host's. */
  readonly dnsOptions?: readonly string[];
  /** Limits of each process. */
  readonly ulimits?: readonly Ulimit[];
  /** Bytes of `/dev/shm`; 64 MiB when left out. */
  readonly shmBytes?: number;
  /** Bytes of memory that a command and its children may use together. */
  readonly memoryBytes?: number;
  /** Processors that they may use, with fractions. */
  readonly cpus?: number;
  /** What commands may do beyond the usual. */
  readonly allowed?: readonly Entitlement[];
  /** Secrets by id. */
  readonly secrets?: Readonly<Record<string, SecretSource>>;
  /** Paths of SSH agents' sockets by id. */
  readonly agents?: Readonly<Record<string, string>>;
  /** `shell` opens a shell on this process's terminal where a command failed. */
  readonly onFailure?: "fail" | "shell";
}

/**
 * The options that commands can see, as part of the key of what they make; undefined when none was given. As in BuildKit, the
 * addresses of hosts are left out, and so is what only decides how fast or whether a command runs.
 */
export function commandSettings({ network, hosts = [], ulimits = [], shmBytes }: RunOptions): Json | undefined {
  const settings = {
    ...(network === "none" ? { network } : {}),
    ...(hosts.length > 0 ? { hosts: hosts.map(({ name }) => name).sort() } : {}),
    ...(ulimits.length > 0 ? { ulimits: ulimits.map(({ name, soft, hard }) => [name, soft, hard]) } : {}),
    ...(shmBytes === undefined ? {} : { shmBytes }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}
