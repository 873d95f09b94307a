/** Builds that are interrupted or killed while commands run: nothing of them stays on the host, and the next build works. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { checkStore } from "../helpers/check_store.ts";
import { checkNothingRuns, checkNothingUnderWay } from "../helpers/leftovers.ts";
import { isMissing } from "../helpers/require.ts";
import { baseName, makeRunPlace, type RunBuild, type RunPlace } from "../helpers/run_place.ts";
import { afterMoment, seeded } from "../helpers/strata_process.ts";

const mounts =
  "--mount=type=cache,target=/cache,sharing=locked --mount=type=secret,id=s --mount=type=tmpfs,target=/memory " +
  "--mount=source=.,target=/context,rw";

/** A command that ignores signals, has daemons, and stops one of its processes. */
const stubborn =
  "trap '' INT TERM HUP QUIT; setsid sleep 600 & (setsid sh -c 'trap \"\" TERM; sleep 600 </dev/null >/dev/null 2>&1' &); " +
  "sleep 600 & kill -STOP $!; echo ready; while true; do sleep 600; done";

const stubbornFile = `FROM ${baseName}\nRUN echo first >/first\nRUN ${mounts} ${stubborn}`;
const niceFile = `FROM ${baseName}\nRUN echo first >/first\nRUN ${mounts} cat /first`;

/** A way to end a build. */
interface Way {
  readonly name: string;
  readonly signal: Deno.Signal;
  /** Whether all in the process group get it, as from a terminal. */
  readonly isForAll?: boolean;
  readonly times?: number;
  /** Whether the build has the chance to end by itself. */
  readonly isClean?: boolean;
}

const ways: readonly Way[] = [
  { name: "Ctrl-C", signal: "SIGINT", isForAll: true, isClean: true },
  { name: "SIGINT", signal: "SIGINT", isClean: true },
  { name: "SIGTERM", signal: "SIGTERM", isClean: true },
  { name: "Ctrl-C twice", signal: "SIGINT", isForAll: true, times: 2 },
  { name: "a hangup of the terminal", signal: "SIGHUP", isForAll: true },
  { name: "SIGKILL", signal: "SIGKILL" },
];

for (const runtime of ["crun", "runc", "chroot"] as const) {
  const program = runtime === "chroot" ? containerPeers.prlimit : containerPeers[runtime];
  const ignore = isMissing("root", containerPeers.busybox, program);
  const flags = ["--runtime", runtime, "--secret", "id=s,env=WORD", "--memory", "256m"];
  const how = { flags, env: { WORD: "word" } };

  Deno.test({
    name: `signals end a command with ${runtime} and all that it started`,
    ignore,
    fn: async (t) => {
      await using place = await makeRunPlace();
      for (const way of ways) await t.step(way.name, () => endOnce(place, way, how));
    },
  });
}

async function endOnce(place: RunPlace, way: Way, how: RunBuild): Promise<void> {
  const { signal, isForAll = false, times = 1, isClean = false } = way;
  await using build = place.start(stubbornFile, { ...how, below: ["setsid"] });
  await build.seen(/^#\d+ \S+ ready$/m);
  const sent = performance.now();
  for (let time = 0; time < times; time++) Deno.kill(isForAll ? -build.pid : build.pid, signal);
  const { code, stderr } = await build.ended();
  assert(performance.now() - sent < 10_000);
  if (isClean) {
    assertEquals(code, 130, stderr);
    assertStringIncludes(stderr, "error: Canceled");
  }
  // A control group can be left behind by who was killed.
  await checkNothingRuns(place, isClean ? [build.pid] : []);
  if (isClean) checkNothingUnderWay(place);
  const after = await place.build(niceFile, { ...how, flags: [...how.flags ?? [], "--no-cache"] });
  assertEquals([after.code, after.said], [0, "first\n"], after.stderr);
  await checkNothingRuns(place, [build.pid]);
  checkNothingUnderWay(place);
}

/** Two stages, many steps, and a mount of each kind: something of everything is under way at any moment. */
const busyFile = [
  `FROM ${baseName} AS one`,
  "RUN head -c 3000000 /dev/urandom >/data && mkdir -p /deep/er && touch /deep/er/file",
  `RUN ${mounts} cp /data /cache/data && rm -r /deep && ln /data /again`,
  `FROM ${baseName} AS two`,
  "WORKDIR /made/here",
  "RUN --mount=from=one,target=/one,rw cp /one/data . && touch /one/x",
  "RUN chmod -R 700 /made; setsid sleep 600 & true",
  `FROM ${baseName}`,
  "COPY --from=one /again /",
  "COPY --from=two /made /made",
  "RUN cmp /again /made/here/data",
].join("\n");

const rounds = 8;
/** About as long as the build takes. */
const longestMs = 2500;

async function killAtRandom(
  place: RunPlace,
  how: { flags: string[]; env: Record<string, string> },
  random: () => number,
): Promise<number> {
  await using build = place.start(busyFile, how);
  await Promise.race([afterMoment(random() * longestMs), build.ended()]);
  build.signal("SIGKILL");
  await build.ended();
  return build.pid;
}

for (const [seed, kind] of (["overlay", "copy"] as const).entries()) {
  Deno.test({
    name: `kill -9 at any moment of a build leaves nothing that the next one does not take away, as ${kind}`,
    ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
    fn: async () => {
      await using place = await makeRunPlace();
      const random = seeded(seed + 1);
      const how = {
        flags: ["--no-cache", `--snapshotter=${kind}`, "--secret", "id=s,env=WORD", "-t", "busy:1"],
        env: { WORD: "word" },
      };
      const pids: number[] = [];
      for (let round = 0; round < rounds; round++) {
        pids.push(await killAtRandom(place, how, random));
        if (round % 4 === 3) await checkNothingRuns(place, []);
      }
      const { code, stderr } = await place.build(busyFile, how);
      assertEquals(code, 0, stderr);
      await checkNothingRuns(place, pids);
      checkNothingUnderWay(place);
      assert((await checkStore(place.options.root)).includes("busy:1"));
    },
  });
}
