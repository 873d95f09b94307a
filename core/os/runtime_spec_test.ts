import { assert, assertEquals } from "@std/assert";
import type { Container } from "./container.ts";
import { formatRuntimeSpec, runtimeSpec, type SpecHost, type SpecMount } from "./runtime_spec.ts";
import { seccompProfile } from "./seccomp.ts";

const container: Container = {
  rootfs: "/root",
  directory: "/directory",
  args: ["sh", "-c", "true"],
  env: ["PATH=/bin"],
  cwd: "/work",
  uid: 0,
  gid: 0,
  groups: [1, 2],
  hostname: "host",
  network: "none",
  isPrivileged: false,
  mounts: [],
  limits: {},
};

const profile = seccompProfile("x86_64");
const host: SpecHost = {
  capabilities: 0x1ff_ffff_ffffn,
  userNamespace: undefined,
  isCgroupV2: false,
  devices: [{ type: "b", path: "/dev/sda", major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6 }],
  seccomp: profile === undefined ? undefined : { profile, filter: "AAAA" },
  cgroup: undefined,
  nodes: { path: "/nodes", options: ["ro"] },
  hookPrograms: { mount: "/bin/mount", sh: "/bin/sh" },
};

/** Mask of capability names, as `/proc/self/status` has it. */
function maskOf(names: readonly string[]): string {
  const order = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " +
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE " +
    "SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL " +
    "SETFCAP").split(" ");
  return names.reduce((mask, name) => mask | (1n << BigInt(order.indexOf(name.slice(4)))), 0n).toString(16);
}

Deno.test("runtimeSpec() gives docker's capabilities when the user is root", () => {
  const { capabilities, noNewPrivileges } = runtimeSpec(container, false, host).process;
  assertEquals(Object.keys(capabilities), ["bounding", "effective", "permitted"]);
  for (const names of Object.values(capabilities)) assertEquals(maskOf(names), "a80425fb");
  assertEquals(noNewPrivileges, false);
});

Deno.test("runtimeSpec() leaves the bounding set only when the user is not root", () => {
  const { capabilities, user } = runtimeSpec({ ...container, uid: 1000, gid: 100 }, false, host).process;
  assertEquals(maskOf(capabilities.bounding), "a80425fb");
  assertEquals([capabilities.effective, capabilities.permitted], [[], []]);
  assertEquals(user, { uid: 1000, gid: 100, additionalGids: [1, 2] });
});

Deno.test("runtimeSpec() gives no capability that this process does not hold", () => {
  const { capabilities } = runtimeSpec(container, false, { ...host, capabilities: 0x3n }).process;
  assertEquals(capabilities.bounding, ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
});

Deno.test("runtimeSpec() filters, masks and protects when the container is not privileged", () => {
  const { linux, annotations, mounts } = runtimeSpec(container, false, host);
  assertEquals(linux.seccomp, profile);
  assertEquals(annotations, { "run.oci.seccomp_bpf_data": "AAAA" });
  assert(linux.maskedPaths.includes("/proc/kcore") && linux.readonlyPaths.includes("/proc/sys"));
  assertEquals(linux.devices, undefined);
  const dev = mounts.find(({ destination }) => destination === "/dev");
  assert(dev?.options.includes("nodev"));
  assert(mounts.find(({ destination }) => destination === "/sys")?.options.includes("ro"));
});

Deno.test("runtimeSpec() gives all of it when the container is privileged", () => {
  const { linux, annotations, process, mounts } = runtimeSpec({ ...container, isPrivileged: true }, false, host);
  assertEquals([linux.seccomp, annotations], [undefined, undefined]);
  assertEquals([linux.maskedPaths, linux.readonlyPaths], [[], []]);
  assertEquals(linux.devices, host.devices);
  assertEquals(process.capabilities.effective.length, 41);
  for (const { options } of mounts) assert(!options.includes("ro"));
});

Deno.test("runtimeSpec() has the root mounted without devices where the runtime does not see to it", () => {
  const [hook] = runtimeSpec(container, false, host).hooks?.createContainer ?? [];
  assertEquals(hook?.path, "/bin/sh");
  assertEquals(hook?.args.slice(4), ["/bin/mount", "--no-mtab", "-o", "remount,bind,nodev", "none", "/root"]);
  assertEquals(runtimeSpec(container, false, { ...host, hookPrograms: undefined }).hooks, undefined);
  assertEquals(runtimeSpec({ ...container, isPrivileged: true }, false, host).hooks, undefined);
  const nodeOf = (nodes: SpecHost["nodes"]): SpecMount | undefined =>
    runtimeSpec(container, false, { ...host, nodes }).mounts.find(({ destination }) => destination === "/dev/null");
  assertEquals(nodeOf(undefined), undefined);
  assertEquals([nodeOf(host.nodes)?.source, nodeOf(host.nodes)?.options.at(-1)], ["/nodes/null", "ro"]);
});

Deno.test("runtimeSpec() makes a network namespace when the network is none", () => {
  const typesOf = (network: Container["network"]): string[] =>
    runtimeSpec({ ...container, network }, false, host).linux.namespaces.map(({ type }) => type);
  assertEquals(typesOf("none"), ["pid", "mount", "ipc", "uts", "cgroup", "network"]);
  assertEquals(typesOf("host"), ["pid", "mount", "ipc", "uts", "cgroup"]);
});

Deno.test("runtimeSpec() avoids what a user namespace refuses when there is one", () => {
  const userNamespace = {
    uids: [{ inside: 0, outside: 1000, count: 1 }],
    gids: [{ inside: 0, outside: 1000, count: 1 }],
  };
  const { mounts } = runtimeSpec({ ...container, network: "host" }, false, { ...host, userNamespace });
  const sys = mounts.find(({ destination }) => destination === "/sys");
  assertEquals([sys?.type, sys?.source, sys?.options[0]], ["bind", "/sys", "rbind"]);
  const pts = mounts.find(({ destination }) => destination === "/dev/pts");
  assert(!pts?.options.some((option) => option.startsWith("gid=")));
});

Deno.test("runtimeSpec() shows control groups when they are of version 2", () => {
  const { mounts } = runtimeSpec(container, false, { ...host, isCgroupV2: true });
  const group = mounts.find(({ destination }) => destination === "/sys/fs/cgroup");
  assert(group?.type === "cgroup" && group.options.includes("ro"));
});

Deno.test("runtimeSpec() puts the container's mounts after the usual ones, in order", () => {
  const { mounts } = runtimeSpec(
    {
      ...container,
      mounts: [
        { type: "tmpfs", target: "/t", mode: 0o1777, maxBytes: 4096, readonly: false },
        { type: "bind", source: "/host", target: "/t/in", readonly: true },
      ],
      limits: { shmBytes: 1024 },
    },
    false,
    host,
  );
  assertEquals(mounts.slice(-2), [
    { destination: "/t", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "rw", "mode=1777", "size=4096"] },
    { destination: "/t/in", type: "bind", source: "/host", options: ["rbind", "nodev", "ro"] },
  ]);
  assert(mounts.find(({ destination }) => destination === "/dev/shm")?.options.includes("size=1024"));
});

Deno.test("formatRuntimeSpec() writes limits that are none as the kernel's number, and nothing else", () => {
  const limits = { ulimits: [{ name: "nofile", soft: 1024, hard: -1 }] };
  const args = ["RLIM_INFINITY", '"hard":"RLIM_INFINITY"'];
  const text = formatRuntimeSpec(runtimeSpec({ ...container, limits, args }, true, host));
  assert(text.includes('"rlimits":[{"type":"RLIMIT_NOFILE","soft":1024,"hard":18446744073709551615}]'));
  assertEquals(JSON.parse(text).process.args, args);
  assertEquals(JSON.parse(text).process.terminal, true);
});
