import { cgroupName, CPU_PERIOD_US, cpuQuotaUs, createCgroup, removeCgroups, requireControllers } from "./cgroup.ts";
import type { Container } from "./container.ts";
import type { SpecHost } from "./runtime_spec.ts";
import { shellQuote } from "./sandbox.ts";
import { readUserNamespace } from "./user_namespace.ts";

/** The control group of a container, and what a runtime that makes it is told. */
export interface RunGroup extends AsyncDisposable {
  /** Shell commands that get the shell into the group. */
  readonly setup: readonly string[];
  /** The group that the runtime makes, when it is not made here. */
  readonly left: SpecHost["cgroup"];
}

/**
 * Makes the group of a container whose runtime makes none: only when there is something to limit, as a group costs more time than all
 * else. Throws `UNSUPPORTED`, which names the flag, when this host cannot limit it.
 */
export function makeRunGroup({ directory, limits }: Container): RunGroup {
  const isLimited = limits.memoryBytes !== undefined || limits.cpus !== undefined;
  if (!isLimited) return { setup: [], left: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  const group = createCgroup(cgroupName(directory), limits);
  return {
    setup: group.joins.map((file) => `echo 0 >${shellQuote(file)}`),
    left: undefined,
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
  };
}

/**
 * What a runtime that always makes a group and puts the command into it is told; killed, it leaves the group behind, which is removed
 * then. Throws as {@linkcode makeRunGroup}.
 */
export function leaveGroupToRuntime(container: Container): RunGroup {
  const { directory, limits, isPrivileged } = container;
  const { memoryBytes, cpus } = limits;
  // Of a user who may not make any, runc makes none either.
  if (readUserNamespace() !== undefined) return makeRunGroup(container);
  requireControllers(limits);
  const name = cgroupName(directory);
  const resources = {
    devices: [{ allow: isPrivileged, access: "rwm" }],
    ...(memoryBytes === undefined ? undefined : { memory: { limit: memoryBytes, swap: memoryBytes * 2 } }),
    ...(cpus === undefined ? undefined : { cpu: { quota: cpuQuotaUs(cpus), period: CPU_PERIOD_US } }),
  } as const;
  return { setup: [], left: { path: `/${name}`, resources }, [Symbol.asyncDispose]: () => removeCgroups(name) };
}
