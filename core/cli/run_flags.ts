import type { Flag, Input } from "./command.ts";

/** Flags of `strata build` that say how commands run. */
export const runFlags: readonly Flag[] = [
  { name: "runtime", type: "string", value: "NAME", help: "OCI runtime: crun, runc, a path, or chroot" },
  {
    name: "snapshotter",
    type: "string",
    value: "KIND",
    help: "How layers become files for RUN: overlay or copy (default the best that works)",
    choices: ["overlay", "copy"],
  },
  {
    name: "network",
    type: "string",
    value: "MODE",
    help: "Network of RUN: default, host or none",
    choices: ["default", "host", "none"],
  },
  { name: "add-host", type: "list", value: "NAME:IP", help: "Line of /etc/hosts; host-gateway stands for the host" },
  { name: "dns", type: "list", value: "IP", help: "Name server in place of the host's" },
  { name: "dns-search", type: "list", value: "DOMAIN", help: "Search domain in place of the host's, . for none" },
  { name: "dns-option", type: "list", value: "OPTION", help: "Resolver option in place of the host's" },
  { name: "ulimit", type: "list", value: "NAME=SOFT[:HARD]", help: "Limit of a process, such as nofile=1024:4096" },
  { name: "shm-size", type: "string", value: "BYTES", help: "Size of /dev/shm, such as 128m (default 64m)" },
  { name: "memory", short: "m", type: "string", value: "BYTES", help: "Most memory that RUN may use, such as 2g" },
  { name: "cpus", type: "string", value: "N", help: "Most processors that RUN may use, such as 1.5" },
  { name: "cpu-quota", type: "string", value: "US", help: "The same as microseconds in each --cpu-period" },
  { name: "cpu-period", type: "string", value: "US", help: "Microseconds that --cpu-quota is for (default 100000)" },
  {
    name: "allow",
    type: "list",
    value: "WHAT",
    help: "Let RUN have network.host or security.insecure",
    choices: ["network.host", "security.insecure"],
  },
  { name: "secret", type: "list", value: "id=ID[,src=PATH]", help: "Secret for RUN --mount=type=secret; or env=NAME" },
  { name: "ssh", type: "list", value: "ID[=SOCKET]", help: "SSH agent for RUN --mount=type=ssh, such as default" },
  {
    name: "on-failure",
    type: "string",
    value: "WHAT",
    help: "shell opens a shell where a RUN failed (default fail)",
    choices: ["fail", "shell"],
  },
];

/** Whether any of {@linkcode runFlags} was given. */
export function hasRunFlags(input: Input): boolean {
  return runFlags.some(({ name, type }) =>
    type === "list" ? input.list(name).length > 0 : input.text(name) !== undefined
  );
}
