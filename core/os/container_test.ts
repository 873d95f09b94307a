/** What every runtime does alike, on a root file system of busybox. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type BusyboxRoot, containerPeers, makeBusyboxRoot, runContainer } from "../../tests/helpers/busybox_root.ts";
import { findProcesses } from "../../tests/helpers/container_process.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import type { ContainerRuntime } from "./container.ts";
import { findRuntime } from "./find_runtime.ts";

const call = { signal: new AbortController().signal, emit: () => {} };

for (const name of ["crun", "runc", "chroot"] as const) {
  const program = name === "chroot" ? containerPeers.prlimit : containerPeers[name];
  const ignore = isMissing("root", containerPeers.busybox, containerPeers.unshare, program);

  const test = (title: string, body: (runtime: ContainerRuntime, root: BusyboxRoot) => Promise<void>): void =>
    Deno.test({
      name: `${name} ${title}`,
      ignore,
      fn: async () => {
        using root = makeBusyboxRoot();
        await body(await findRuntime(name, call), root);
      },
    });

  test("gives exit code and output when a command ends", async (runtime, root) => {
    const run = await runContainer(runtime, root.container(["sh", "-c", "echo out; echo err >&2; exit 7"]));
    assertEquals(run, { code: 7, stdout: "out\n", stderr: "err\n" });
  });

  test("gives 128 and the signal's number when a signal ends a command", async (runtime, root) => {
    // The first process of a namespace is immune to its own signals, a child of it is not.
    const run = await runContainer(runtime, root.container(["sh", "-c", "sh -c 'kill -9 $$'; exit $?"]));
    assertEquals(run.code, 137);
  });

  test("gives 127 or 126 and says why when a command cannot be started", async (runtime, root) => {
    Deno.writeTextFileSync(`${root.path}/plain`, "x", { mode: 0o644 });
    for (const [command, code] of [["nothing", 127], ["/no/thing", 127], ["/plain", 126], ["/tmp", 126]] as const) {
      const run = await runContainer(runtime, root.container([command]));
      assertEquals([command, run.code], [command, code]);
      assertMatch(run.stderr, new RegExp(command));
    }
  });

  test("hands on output while the command still runs", async (runtime, root) => {
    Deno.mkdirSync(`${root.path}/sync`);
    const container = root.container([
      "sh",
      "-c",
      "echo one; while [ ! -e /sync/seen ]; do sleep 0.01; done; echo two",
    ]);
    let text = "";
    const code = await runtime.run(container, {
      type: "capture",
      write: (_, data) => {
        text += new TextDecoder().decode(data);
        if (text === "one\n") Deno.writeTextFileSync(`${root.path}/sync/seen`, "");
      },
    }, call);
    assertEquals([code, text], [0, "one\ntwo\n"]);
  });

  test("gives the command its environment and nothing else", async (runtime, root) => {
    const env = ["PATH=/bin", "A=1 2", "B=", "LD_LIBRARY_PATH=/x", "a.b=c=d", "HOME=/"];
    const { stdout } = await runContainer(runtime, root.container(["env"], { env }));
    // With a loader's variable, `chroot` goes through the image's shell, which adds some and leaves out what it cannot name.
    const expected = name === "chroot" ? env.filter((one) => one !== "a.b=c=d") : env;
    const own = ["PWD=", "SHLVL=", "OLDPWD="];
    const found = stdout.trimEnd().split("\n").filter((line) =>
      name !== "chroot" || !own.some((one) => line.startsWith(one))
    );
    assertEquals(found.sort(), [...expected].sort());
  });

  test("runs as the user, in the directory and on the host that are given", async (runtime, root) => {
    Deno.mkdirSync(`${root.path}/work`);
    const parts = { uid: 1000, gid: 100, groups: [7, 8], cwd: "/work", hostname: "strata-host" };
    const { stdout } = await runContainer(runtime, root.container(["sh", "-c", "id; pwd; hostname; umask"], parts));
    assertEquals(
      stdout,
      "uid=1000 gid=100 groups=100,7,8\n/work\nstrata-host\n0022\n".replace(
        "100,7",
        stdout.includes("groups=7") ? "7" : "100,7",
      ),
    );
  });

  test("gives root docker's capabilities, and others none", async (runtime, root) => {
    const read = async (uid: number): Promise<Record<string, string>> => {
      const { stdout } = await runContainer(runtime, root.container(["cat", "/proc/self/status"], { uid }));
      return Object.fromEntries(stdout.split("\n").map((line) => line.split(":\t") as [string, string]));
    };
    const docker = "00000000a80425fb", none = "0000000000000000";
    const rootStatus = await read(0);
    assertEquals([rootStatus.CapEff, rootStatus.CapPrm, rootStatus.CapBnd], [docker, docker, docker]);
    assertEquals([rootStatus.CapInh, rootStatus.CapAmb, rootStatus.NoNewPrivs], [none, none, "0"]);
    assertEquals(rootStatus.Seccomp, name === "chroot" ? "0" : "2");
    const userStatus = await read(1000);
    assertEquals([userStatus.CapEff, userStatus.CapPrm, userStatus.CapBnd], [none, none, docker]);
  });

  test("gives a privileged container all capabilities and the host's devices", async (runtime, root) => {
    const script =
      "grep -E '^(CapEff|Seccomp):' /proc/self/status; ls /dev; echo 1 >/proc/sys/kernel/domainname; cat /proc/mounts";
    const { stdout, stderr } = await runContainer(
      runtime,
      root.container(["sh", "-c", script], { isPrivileged: true }),
    );
    const own = /^CapPrm:\t(\S+)$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    assertMatch(stdout, new RegExp(`^CapEff:\t${own}\nSeccomp:\t0\n`));
    assertMatch(stdout, /^tty1?$/m);
    assertEquals(stderr, "");
    assert(!/^proc \/proc\/sys /m.test(stdout));
  });

  test("has namespaces of its own", async (runtime, root) => {
    const kinds = ["cgroup", "ipc", "mnt", "net", "pid", "uts"];
    const args = ["sh", "-c", `for kind in ${kinds.join(" ")}; do readlink /proc/self/ns/$kind; done`];
    const shared = async (network: "none" | "host"): Promise<string[]> => {
      const { stdout } = await runContainer(runtime, root.container(args, { network }));
      const links = stdout.trimEnd().split("\n");
      assertEquals(links.length, kinds.length);
      return kinds.filter((kind, index) => Deno.readLinkSync(`/proc/self/ns/${kind}`) === links[index]);
    };
    assertEquals(await shared("none"), []);
    assertEquals(await shared("host"), ["net"]);
  });

  test("sees no process of the host and no network but the loopback", async (runtime, root) => {
    const script = "ls /proc | grep -E '^[0-9]+$' | wc -l; tail -n +3 /proc/net/dev; echo; ifconfig lo";
    const { stdout } = await runContainer(runtime, root.container(["sh", "-c", script]));
    const [processes, ...rest] = stdout.split("\n");
    assert(Number(processes) <= 4, `${processes} processes`);
    assertEquals(rest.slice(0, rest.indexOf("")).map((line) => line.trim().split(":")[0]), ["lo"]);
    assertMatch(stdout, /UP LOOPBACK/);
  });

  test("sees no file of the host and nothing that the kernel tells about it", async (runtime, root) => {
    const script = `ls /; ls -d ${root.path} 2>&1; cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; ` +
      "ls /sys/firmware | wc -l; (echo 1 >/proc/sys/kernel/hostname) 2>&1; (mkdir /sys/x) 2>&1";
    const { stdout } = await runContainer(runtime, root.container(["sh", "-c", script]));
    assertMatch(
      stdout,
      /^bin\ndev\netc\nproc\nsys\ntmp\nls: .*No such file.*\n0\n0\n.*Read-only file system\n.*(Read-only file system|not permitted)\n$/,
    );
  });

  test("cannot use a device that is not among those in /dev, unless it is privileged", async (runtime, root) => {
    // The kernel's log, which root may write to.
    const script =
      "for node in /log /dev/log /dev/shm/log; do mknod $node c 1 11 && (: >$node) && echo $node; done 2>/dev/null; " +
      "echo x >/dev/null && head -c 1 /dev/zero | wc -c; rm -f /log";
    const run = async (isPrivileged: boolean): Promise<string> =>
      (await runContainer(runtime, root.container(["sh", "-c", script], { isPrivileged }))).stdout;
    assertEquals(await run(false), "1\n");
    assertEquals(await run(true), "/log\n/dev/log\n1\n");
  });

  test("changes nothing of the host's devices when it changes its own", async (runtime, root) => {
    const script = "chmod 611 /dev/null /proc/self/fd/0 /proc/self/fd/1; chown 5 /dev/null; cat; stat -c %a /dev/null";
    for (const isPrivileged of [false, true]) {
      const { stdout, stderr } = await runContainer(runtime, root.container(["sh", "-c", script], { isPrivileged }));
      assertEquals([stdout, stderr], ["611\n", ""]);
      const { mode, uid } = Deno.statSync("/dev/null");
      assertEquals([(mode ?? 0) & 0o777, uid], [0o666, 0]);
    }
  });

  test("cannot mount, nor undo a mount", async (runtime, root) => {
    const script = "mount -t tmpfs x /tmp; umount /proc/sys; umount /proc; mount -o remount,rw /sys";
    const { stderr } = await runContainer(runtime, root.container(["sh", "-c", script]));
    assertEquals(stderr.match(/denied|not permitted/g)?.length, 4);
  });

  test(
    "cannot make namespaces of users, as root could in there, where system calls are filtered",
    async (runtime, root) => {
      const { stderr } = await runContainer(runtime, root.container(["unshare", "-U", "true"]));
      if (name !== "chroot") assertMatch(stderr, /Operation not permitted/);
    },
  );

  test("mounts what is asked for: binds, read-only ones, and file systems in memory", async (runtime, root) => {
    Deno.mkdirSync(`${root.path}/../shared`);
    Deno.writeTextFileSync(`${root.path}/../shared/file`, "shared\n");
    for (const folder of ["one", "two", "three"]) Deno.mkdirSync(`${root.path}/${folder}`);
    Deno.writeTextFileSync(`${root.path}/four`, "");
    const source = Deno.realPathSync(`${root.path}/../shared`);
    const script = "echo new >/one/new && cat /two/new /four; (echo >/two/x) 2>&1; (echo >/four) 2>&1; " +
      "dd if=/dev/zero of=/three/x bs=1k count=2000 2>/dev/null; stat -c %s /three/x; df -k /dev/shm | tail -1";
    const { stdout } = await runContainer(
      runtime,
      root.container(["sh", "-c", script], {
        mounts: [
          { type: "bind", source, target: "/one", readonly: false },
          { type: "bind", source, target: "/two", readonly: true },
          { type: "tmpfs", target: "/three", maxBytes: 1024 * 1024, readonly: false },
          { type: "bind", source: `${source}/file`, target: "/four", readonly: true },
        ],
        limits: { shmBytes: 2 * 1024 * 1024 },
      }),
    );
    assertMatch(stdout, /^new\nshared\n.*Read-only file system\n.*Read-only file system\n1048576\nshm|tmpfs +2048 /);
    assertEquals(Deno.readTextFileSync(`${source}/new`), "new\n");
  });

  test("limits what one process may use", async (runtime, root) => {
    const ulimits = [{ name: "nofile", soft: 64, hard: 128 }, { name: "core", soft: 0, hard: 0 }];
    const args = ["sh", "-c", "ulimit -n; ulimit -Hn; ulimit -Hc"];
    assertEquals((await runContainer(runtime, root.container(args, { limits: { ulimits } }))).stdout, "64\n128\n0\n");
  });

  test("kills a command that uses more memory than it may", async (runtime, root) => {
    const limits = { memoryBytes: 32 * 1024 * 1024 };
    const run = await runContainer(runtime, root.container(["tail", "/dev/zero"], { limits }));
    assertEquals(run.code, 137);
    assertEquals(findGroups(), []);
  });

  test("limits processor time, by a control group that is gone afterwards", async (runtime, root) => {
    let found: readonly string[] = [];
    await runtime.run(root.container(["echo", "started"], { limits: { cpus: 0.5 } }), {
      type: "capture",
      write: () => found = findGroups().map(readQuota).filter((quota) => quota !== ""),
    }, call);
    assert(found.every((quota) => /^50000( 100000)?$/.test(quota)), found.join());
    assertEquals(findGroups(), []);
  });

  test("leaves no process behind when a command starts daemons", async (runtime, root) => {
    const marker = `4${root.path.length}${Deno.pid}`;
    const script = `setsid sleep ${marker} & setsid sleep ${marker} </dev/null >/dev/null 2>&1 & exit 3`;
    assertEquals((await runContainer(runtime, root.container(["sh", "-c", script]))).code, 3);
    assertEquals(findProcesses(marker), []);
  });

  test("rejects CANCELED when the signal aborts, by when no process is left", async (runtime, root) => {
    const marker = `5${Deno.pid}`;
    const controller = new AbortController();
    const container = root.container([
      "sh",
      "-c",
      `trap '' TERM INT; setsid sleep ${marker} & echo on; sleep ${marker}`,
    ]);
    const running = runtime.run(container, { type: "capture", write: () => controller.abort() }, {
      ...call,
      signal: controller.signal,
    });
    assertEquals((await assertRejects(() => running, EngineError)).code, "CANCELED");
    assertEquals(findProcesses(marker), []);
    assertEquals(findGroups(), []);
  });

  test("rejects CANCELED when the signal aborts before or while it starts", async (runtime, root) => {
    const marker = `6${Deno.pid}`;
    for (const isLate of [false, true]) {
      const controller = new AbortController();
      if (!isLate) controller.abort();
      const running = runtime.run(root.container(["sleep", marker]), { type: "capture", write: () => {} }, {
        ...call,
        signal: controller.signal,
      });
      controller.abort();
      assertEquals((await assertRejects(() => running, EngineError)).code, "CANCELED");
      assertEquals(findProcesses(marker), []);
    }
  });
}

/** Control groups that strata made, of this process. */
function findGroups(): readonly string[] {
  const found: string[] = [];
  const search = (folder: string, depth: number): void => {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      if (!isDirectory) continue;
      if (name.startsWith(`strata-${Deno.pid}-`)) found.push(`${folder}/${name}`);
      else if (depth > 0) search(`${folder}/${name}`, depth - 1);
    }
  };
  search("/sys/fs/cgroup", 4);
  return found;
}

function readQuota(group: string): string {
  for (const file of ["cpu.cfs_quota_us", "cpu.max"]) {
    try {
      return Deno.readTextFileSync(`${group}/${file}`).trim();
    } catch {
      // Of the other version, or another controller's.
    }
  }
  return "";
}
