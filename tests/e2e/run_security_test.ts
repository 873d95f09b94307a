/**
 * What a command of a build gets of the host: nothing. Each attempt must fail with every runtime; where the weakest one, `chroot`, is
 * known to give less, the attempt says why. Layers that are hostile are in run_layers_test.ts, secrets in run_secrets_test.ts.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { isMissing } from "../helpers/require.ts";
import { attributed, baseMembers, baseName, makeRunPlace, readBuild, type RunPlace } from "../helpers/run_place.ts";
import { member } from "../helpers/tar_bytes.ts";

/** Something that a command tries, as a line of a shell, which exits with 0 when it works. */
interface Attempt {
  readonly name: string;
  readonly line: string;
  /** Why it may work with the chroot runtime. */
  readonly chroot?: string;
}

/** Opens each file that a pattern of `find` gives for writing, without writing. */
const openAll = (find: string): string =>
  `find ${find} -exec sh -c 'for f; do true >>"$f" && touch /found; done' sh {} +; rm /found`;

/** Attempts on a host with the file `marker` in a folder, a process whose arguments have a mark, and that folder open as descriptor 9. */
const attempts = (host: { readonly path: string; readonly pid: number; readonly mark: string }): readonly Attempt[] => [
  { name: "signal a process of the host", line: `kill -0 ${host.pid}` },
  { name: "see a process of the host", line: `ls -d /proc/${host.pid} || grep -q ${host.mark}[x] /proc/*/cmdline` },
  { name: "read a file of the host", line: `cat ${host.path}/marker` },
  { name: "read it through the first process", line: `ls /proc/1/root${host.path} || ls /proc/1/cwd${host.path}` },
  { name: "read it through a parent of the root", line: `cat ../../../../../../../..${host.path}/marker` },
  {
    name: "read it through an open file",
    line: "for n in 3 4 5 6 7 8 9; do ls /proc/self/fd/$n/. && exit; done; exit 1",
  },
  { name: "read the memory of the kernel", line: "head -c 1 /proc/kcore | grep -q ." },
  { name: "read the keys of the kernel", line: "grep -q . /proc/keys" },
  { name: "read the log of the kernel", line: "dmesg", chroot: "no calls are filtered: a host may let everybody" },
  { name: "reset the machine", line: "true >>/proc/sysrq-trigger" },
  { name: "write core_pattern", line: "true >>/proc/sys/kernel/core_pattern" },
  { name: "write a setting of the kernel", line: openAll("/proc/sys /proc/irq /proc/bus /proc/fs -type f") },
  { name: "write to a device of /sys", line: openAll("/sys -maxdepth 4 -type f") },
  { name: "find a release_agent", line: "find /sys -name release_agent | grep ." },
  {
    name: "make a control group",
    line: "for d in $(find /sys/fs/cgroup -type d); do mkdir $d/x && exit; done; exit 1",
  },
  ...["", "/dev", "/dev/shm", "/tmp", "/cache", "/memory", "/bound"].map((folder) => (
    { name: `use a device made in ${folder}/`, line: `mknod ${folder}/log c 1 11; true >>${folder}/log` }
  )),
  { name: "use a device of the base image", line: "true >>/planted-log" },
  {
    name: "use a disk of the host",
    line: "for d in /sys/block/*/dev; do mknod /d b $(tr : ' ' <$d); head -c 1 /d && exit; rm /d; done; exit 1",
  },
  { name: "mount a file system", line: "mount -t tmpfs x /tmp || mount -t proc x /tmp || mount --bind /etc /tmp" },
  {
    name: "unmount what hides a part of /proc",
    line: "for m in sys keys interrupts; do umount /proc/$m && exit; done; exit 1",
  },
  { name: "make a mount writable", line: "mount -o remount,rw /sys || mount -o remount,rw,bind /proc/sys" },
  { name: "leave the root", line: "pivot_root / /tmp || switch_root /tmp /bin/true" },
  { name: "enter another namespace", line: "nsenter -t 1 -m true || nsenter -t 1 -n true" },
  { name: "make a mount namespace", line: "unshare -m true" },
  {
    name: "make a user namespace",
    line: "unshare -U true",
    chroot: "no calls are filtered, and the kernel lets everybody",
  },
  { name: "rename the host", line: "hostname other || sysctl -w kernel.hostname=other" },
  { name: "set the clock", line: "! date -s @$(date +%s) 2>&1 | grep -q set" },
  { name: "load a module", line: "insmod /bin/busybox" },
  { name: "change swap space", line: "swapoff /bin/busybox || mkswap /bin/sh && swapon /bin/sh" },
  { name: "raise a limit", line: 'n=$(ulimit -Hn); [ "$n" != unlimited ] && ulimit -Hn $((n + 1))' },
  { name: "get a capability by a file", line: "su user -c '/admin/busybox true'" },
  { name: "get one by a file as root", line: "/admin/busybox true" },
];

/** A process of the host that runs as long as a test does. */
function startProcess(mark: string): Disposable & { readonly pid: number } {
  const child = new Deno.Command("sh", { args: ["-c", `exec sleep 600; : ${mark}x`], stdin: "null" }).spawn();
  return {
    pid: child.pid,
    [Symbol.dispose]: () => {
      child.kill("SIGKILL");
      void child.status;
    },
  };
}

/** Value of `security.capability` with one capability, permitted and effective (linux/capability.h, revision 2). */
function fileCapability(number: number): Uint8Array {
  const words = new DataView(new ArrayBuffer(20));
  words.setUint32(0, 0x0200_0001, true);
  words.setUint32(number < 32 ? 4 : 12, 1 << (number % 32), true);
  return new Uint8Array(words.buffer);
}

const CAP_CHOWN = 0, CAP_SYS_ADMIN = 21;

async function importHostile(place: RunPlace): Promise<void> {
  const busybox = await Deno.readFile("/bin/busybox");
  const program = (name: string, capability: number): Uint8Array =>
    attributed({ "security.capability": fileCapability(capability) }, { name, mode: "0000755\0" }, busybox);
  await place.importImage("hostile:1", [
    ...baseMembers(),
    program("admin/busybox", CAP_SYS_ADMIN),
    program("owner/busybox", CAP_CHOWN),
    member({ name: "suid/busybox", mode: "0004755\0" }, busybox),
    member({ name: "planted-log", type: "3", mode: "0000666\0", major: "0000001\0", minor: "0000013\0" }),
  ]);
}

for (const runtime of ["crun", "runc", "chroot"] as const) {
  const program = runtime === "chroot" ? containerPeers.prlimit : containerPeers[runtime];
  const ignore = isMissing("root", containerPeers.busybox, program);
  const flags = ["--runtime", runtime, "--no-cache"];

  Deno.test({
    name: `RUN with ${runtime} gets at nothing of the host`,
    ignore,
    fn: async () => {
      await using place = await makeRunPlace();
      await importHostile(place);
      await Deno.writeTextFile(`${place.path}/marker`, "of the host\n");
      using host = startProcess(place.path);
      const all = attempts({ path: place.path, pid: host.pid, mark: place.path });
      const script = all.map(({ line }, index) => `if (${line}); then echo "works ${index}"; fi 2>/dev/null`);
      const mounts =
        "--mount=type=cache,target=/cache --mount=type=tmpfs,target=/memory --mount=source=.,target=/bound,rw";
      await using build = place.start(
        `FROM hostile:1\nRUN ${mounts} <<'EOF'\n#!/bin/sh\n${script.join("\n")}\necho done\nEOF`,
        { flags, below: ["sh", "-c", `exec 9<${place.path}; exec "$@"`, "sh"] },
      );
      const { code, said, stderr } = readBuild(await build.ended());
      assertEquals(code, 0, stderr);
      assertStringIncludes(said, "done\n");
      const worked = [...said.matchAll(/^works (\d+)$/gm)].map(([, index]) => all[Number(index)]);
      const holes = worked.filter((attempt) => runtime !== "chroot" || attempt?.chroot === undefined);
      assertEquals(holes.map((attempt) => attempt?.name), []);
      assert(!said.includes("of the host"), said);
    },
  });

  Deno.test({
    name: `RUN with ${runtime} has docker's capabilities and no more by any program`,
    ignore,
    fn: async () => {
      await using place = await makeRunPlace();
      await importHostile(place);
      const show = (who: string, file = "/proc/self/status"): string =>
        `echo ${who} $(grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' ${file} | cut -f2)`;
      const { code, said, stderr } = await place.build(
        [
          "FROM hostile:1",
          `RUN ${show("root")}`,
          "USER 1000",
          `RUN ${show("user")} && touch /tmp/mine && /owner/busybox chown 0 /tmp/mine && stat -c 'owner %u' /tmp/mine`,
          `RUN /suid/busybox su -c "${show("suid").replaceAll("$", "\\$")}"; id -u; id -G`,
        ].join("\n"),
        { flags },
      );
      assertEquals(code, 0, stderr);
      const docker = "00000000a80425fb", none = "0000000000000000";
      const filter = runtime === "chroot" ? 0 : 2;
      assertEquals(said.trim().split("\n"), [
        `root ${none} ${docker} ${docker} ${docker} ${none} 0 ${filter}`,
        `user ${none} ${none} ${none} ${docker} ${none} 0 ${filter}`,
        "owner 0",
        `suid ${none} ${docker} ${docker} ${docker} ${none} 0 ${filter}`,
        "1000",
        "1000 1001",
      ]);
    },
  });

  Deno.test({
    name: `RUN with ${runtime} does not get at the terminal of the caller`,
    ignore: ignore || isMissing(containerPeers.script),
    fn: async () => {
      await using place = await makeRunPlace();
      await using build = place.start(
        `FROM ${baseName}\nRUN (echo leaked >/dev/tty) 2>/dev/null || echo none; ls /dev/pts; stty -F /dev/tty 2>/dev/null || true`,
        { flags, below: ["sh", "-c", 'exec script -qec "$*" /dev/null', "sh"] },
      );
      const { code, stdout } = await build.ended();
      assertEquals(code, 0, stdout);
      assertMatch(stdout, /^#1 \S+ none\r?\n#1 \S+ ptmx\r?$/m);
      assert(!/^leaked/m.test(stdout), stdout);
    },
  });

  Deno.test({
    name: `RUN with ${runtime} changes no device of the host`,
    ignore,
    fn: async () => {
      await using place = await makeRunPlace();
      const names = ["null", "zero", "full", "random", "urandom", "tty"];
      const stats = (): readonly unknown[] =>
        names.map((name) => Deno.statSync(`/dev/${name}`)).map(({ mode, uid, gid, rdev }) => [mode, uid, gid, rdev]);
      const before = stats();
      const paths = names.map((name) => `/dev/${name}`).join(" ");
      const { code, said, stderr } = await place.build(
        [
          `FROM ${baseName}`,
          `RUN chmod 600 ${paths} && chown 7:7 ${paths} && stat -c '%a %u' /dev/null && echo x >/dev/null`,
          "USER 1000",
          "RUN echo x >/dev/null && head -c 1 /dev/zero | wc -c",
        ].join("\n"),
        { flags },
      );
      assertEquals([code, said], [0, "600 7\n1\n"], stderr);
      assertEquals(stats(), before);
    },
  });
}

Deno.test({
  name: "nobody but who builds may read the store, in which files of images have their owners and modes",
  ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
  fn: async () => {
    await using place = await makeRunPlace();
    const mount = "--mount=type=cache,target=/cache";
    const { code, stderr } = await place.build(
      `FROM ${baseName}\nRUN ${mount} cp -p /bin/busybox /cache; chmod 4755 /bin/vi`,
    );
    assertEquals(code, 0, stderr);
    const { root } = place.options;
    const open = ["", "/blobs", "/mounts", "/runs", "/snapshots", "/tmp"].filter((name) => {
      const { mode } = Deno.statSync(`${root}${name}`);
      return ((mode ?? 0) & 0o077) !== 0;
    });
    assertEquals(open, []);
  },
});
