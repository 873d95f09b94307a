/** Commands that print too much, fill disks, fork without end or fall silent, disks that are full, and builds that get in each other's way. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { checkStore } from "../helpers/check_store.ts";
import { checkNothingRuns, checkNothingUnderWay } from "../helpers/leftovers.ts";
import { runPeer } from "../helpers/program.ts";
import { isMissing } from "../helpers/require.ts";
import { baseName, type BuildOutput, makeRunPlace, readBuild, type RunPlace } from "../helpers/run_place.ts";

const ignore = isMissing("root", containerPeers.busybox, containerPeers.crun);

function test(name: string, body: (place: RunPlace) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      await using place = await makeRunPlace();
      await body(place);
      await checkNothingRuns(place, []);
      checkNothingUnderWay(place);
    },
  });
}

const run = (command: string): string => `FROM ${baseName}\nRUN ${command}\n`;

/** Most memory that a process has taken, in MiB, while it runs. */
async function watchMemory(pid: number, isOver: () => boolean): Promise<number> {
  let most = 0;
  while (!isOver()) {
    try {
      most = Number(/VmHWM:\s*(\d+)/.exec(await Deno.readTextFile(`/proc/${pid}/status`))?.[1] ?? most * 1024) / 1024;
    } catch {
      // It has just ended.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return most;
}

test("a command that prints 100 MB takes no memory and no time of its own", async (place) => {
  const lines = "yes 0123456789012345678901234567890123456789 | head -c 100000000";
  const line = "yes 0123456789012345678901234567890123456789 | tr -d '\\n' | head -c 20000000";
  for (const command of [lines, line]) {
    await using build = place.start(`${run(command)}RUN echo after\n`, {
      flags: ["-q"],
      below: ["prlimit", "--core=0"],
    });
    let isOver = false;
    const [memory, { code, stderr }] = await Promise.all([
      watchMemory(build.pid, () => isOver),
      build.ended().finally(() => isOver = true),
    ]);
    assertEquals(code, 0, stderr);
    assert(memory < 300, `${memory} MiB`);
  }
  const { code, stderr } = await place.build(run(`${lines}; exit 1`), { flags: ["--progress=rawjson"] });
  assertEquals(code, 1);
  assertMatch(stderr.slice(-2000), /exit code 1/);
});

test("what is no text is shown as text", async (place) => {
  const { code, stderr } = await place.build(
    run(
      "head -c 300000 /dev/urandom; printf '\\033[31mred\\r\\n\\377\\376\\0after\\n\\033]0;title\\007\\n'; head -c 1000 /dev/urandom >&2",
    ),
  );
  assertEquals(code, 0, stderr.slice(-500));
  // deno-lint-ignore no-control-regex
  assertEquals(stderr.match(/[\x00-\x08\x0b-\x1f\x7f]/g), null);
});

test("a command without outputs is waited for", async (place) => {
  const { code, said, stderr } = await place.build(
    `${run("exec >&- 2>&- <&-; sleep 1; touch /closed")}RUN ls /closed; echo gone >&- || echo no\n`,
  );
  assertEquals([code, said.split("\n")[0]], [0, "/closed"], stderr);
});

test("a step ends with its command, whatever holds its outputs open", async (place) => {
  const started = performance.now();
  const { code, stderr } = await place.build(
    run("(setsid sleep 600 &); sleep 600 & (trap '' TERM HUP; exec sleep 600) & true"),
  );
  assertEquals(code, 0, stderr);
  assert(performance.now() - started < 30_000);
});

test("a fork bomb within limits ends with its command", async (place) => {
  const bomb = "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1; echo over";
  const { code, said, stderr } = await place.build(`FROM ${baseName}\nUSER 1000\nRUN ${bomb}\n`, {
    flags: ["--ulimit", "nproc=100", "--memory", "256m", "--runtime=crun"],
  });
  // The shell itself may be without a process for `sleep`.
  assert(code === 0 || code === 1, stderr.slice(-500));
  assert(code !== 0 || said.includes("over"));
});

test("a command that fills what it was given fails alone", async (place) => {
  const fill = (path: string): string => `dd if=/dev/zero of=${path}/big bs=1M count=80 || echo full`;
  const { code, said, stderr } = await place.build(
    run(`--mount=type=tmpfs,target=/small,size=1m ${fill("/small")}; ${fill("/dev/shm")}; ls -l /dev/shm/big`),
  );
  assertEquals(code, 0, stderr);
  assertEquals(said.match(/^full$/gm)?.length, 2, said);
});

test("a command that uses more memory than it may is told from others", async (place) => {
  const { code, stderr } = await place.build(run("head -c 200m /dev/zero | tail"), { flags: ["--memory", "32m"] });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "exit code 137");
});

/** A place whose store is on a disk of its own, in memory; its path is that of the store. */
async function makeSmallPlace(bytes: string): Promise<RunPlace & { readonly disk: string }> {
  const place = await makeRunPlace();
  const disk = await Deno.realPath(await Deno.makeTempDir({ prefix: "strata-disk-" }));
  await runPeer("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "none", disk);
  await place.strata("save", "-o", `${place.path}/base.tar`, baseName);
  await place.strata("--root", `${disk}/root`, "load", "-q", "-i", `${place.path}/base.tar`);
  return {
    ...place,
    disk,
    path: `${disk}/root`,
    options: { ...place.options, root: `${disk}/root` },
    async [Symbol.asyncDispose](): Promise<void> {
      await runPeer("umount", disk);
      await Deno.remove(disk);
      await place[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  name: "a full disk ends a build with a reason, and the next one works",
  ignore,
  fn: async () => {
    await using place = await makeSmallPlace("24m");
    const root = `${place.disk}/root`;
    const build = (text: string): Promise<BuildOutput> => place.build(text, { root, flags: ["--runtime=crun"] });
    // The command fills it.
    const filled = await build(run("head -c 100000000 /dev/zero | tr '\\0' x >/big"));
    assertEquals(filled.code, 1);
    assertStringIncludes(filled.stderr, "No space left on device");
    // Its files fit, its layer does not; sizes between these two may end either way.
    const packed = await build(run("head -c 13000000 /dev/urandom >/big"));
    assertEquals(packed.code, 1);
    assertMatch(packed.stderr, /^error: .*(disk is full|no space)/mi);
    // Nothing fits.
    await Deno.writeFile(`${place.disk}/ballast`, new Uint8Array(64 << 20)).catch(() => {});
    const none = await build(run("echo x >/x"));
    assertEquals(none.code, 1, none.stderr);
    assertMatch(none.stderr, /^error: .*(disk is full|no space)/mi);
    await Deno.remove(`${place.disk}/ballast`);
    const after = await build(run("echo works"));
    assertEquals([after.code, after.said], [0, "works\n"], after.stderr);
    await checkNothingRuns(place, []);
    checkNothingUnderWay(place);
    await checkStore(root);
  },
});

/** Runs two builds at once. */
async function both(
  place: RunPlace,
  first: string,
  second: string,
  flags: readonly string[] = [],
): Promise<readonly BuildOutput[]> {
  await using a = place.start(first, { flags });
  await using b = place.start(second, { flags });
  const outputs = (await Promise.all([a.ended(), b.ended()])).map(readBuild);
  for (const { code, stderr } of outputs) assertEquals(code, 0, stderr);
  return outputs;
}

/** Shell commands that wait for a file. */
const wait = (path: string): string =>
  `n=0; while [ ! -e ${path} ] && [ $n -lt 200 ]; do sleep 0.1; n=$((n+1)); done; [ -e ${path} ]`;

test("two builds share a cache mount at the same time when it is shared", async (place) => {
  const mount = "--mount=type=cache,target=/c,id=both";
  const side = (own: string, other: string): string => run(`${mount} touch /c/${own}; ${wait(`/c/${other}`)}`);
  await both(place, side("a", "b"), side("b", "a"));
});

test("two builds have a private cache mount each, and the next one has one of theirs", async (place) => {
  const side = (own: string): string =>
    run(
      `--mount=type=cache,target=/c,id=apart,sharing=private --mount=type=cache,target=/meet,id=meet ` +
        `touch /c/${own} /meet/${own}; ${wait("/meet/a")} && ${wait("/meet/b")} && ls /c && touch /meet/${own}2; ${
          wait("/meet/a2")
        } && ${wait("/meet/b2")}`,
    );
  const outputs = await both(place, side("a"), side("b"));
  assertEquals(outputs.map(({ said }) => said), ["a\n", "b\n"]);
  const { said } = await place.build(run("--mount=type=cache,target=/c,id=apart,sharing=private ls /c"));
  assertMatch(said, /^[ab]\n$/);
});

test("two builds take a locked cache mount one after the other, and a canceled one waits no more", async (place) => {
  const mount = "--mount=type=cache,target=/c,id=alone,sharing=locked";
  const side = (own: string): string =>
    run(`${mount} [ ! -e /c/busy ] && touch /c/busy && echo ${own} && sleep 0.5 && rm /c/busy`);
  await both(place, side("a"), side("b"));
  await using holder = place.start(run(`${mount} echo held; sleep 600`));
  await holder.seen(/held$/m);
  await using waiting = place.start(run(`${mount} true`));
  await waiting.seen(/RUN/);
  waiting.signal("SIGINT");
  assertEquals((await waiting.ended()).code, 130);
  holder.signal("SIGINT");
  assertEquals((await holder.ended()).code, 130);
});

test("two builds of the same file at once are whole, on a store that has nothing unpacked yet", async (place) => {
  const file = `${
    run("head -c 1000000 /dev/urandom >/data; ln /data /link")
  }RUN cmp /data /link && echo same\nRUN rm /link`;
  const outputs = await both(place, file, file, ["--jobs=2"]);
  assertEquals(outputs.map(({ said }) => said), ["same\n", "same\n"]);
  await Deno.remove(`${place.options.root}/snapshots`, { recursive: true });
  const again = await both(place, `${file}\nRUN ls /data`, `${file}\nRUN ls /bin/sh`);
  assertEquals(again.map(({ built }) => built.length), [1, 1]);
  await place.strata("tag", again[0]?.id ?? "", "first:1");
  await place.strata("tag", again[1]?.id ?? "", "second:1");
  assert((await checkStore(place.options.root)).length >= 3);
});
