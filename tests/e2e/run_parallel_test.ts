/** Steps that run together, once, or not at all, and results that do not depend on it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { checkNothingRuns, checkNothingUnderWay } from "../helpers/leftovers.ts";
import { isMissing } from "../helpers/require.ts";
import { baseName, makeRunPlace, type RunPlace } from "../helpers/run_place.ts";

const test = (name: string, body: (place: RunPlace) => Promise<void>): void =>
  Deno.test({
    name,
    ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
    fn: async () => {
      await using place = await makeRunPlace();
      await body(place);
      await checkNothingRuns(place, []);
      checkNothingUnderWay(place);
    },
  });

const meet = "--mount=type=cache,target=/meet,id=meet";
const wait = (path: string): string =>
  `n=0; while [ ! -e ${path} ] && [ $n -lt 200 ]; do sleep 0.1; n=$((n+1)); done; [ -e ${path} ]`;

/** A file of independent stages, one for each command. */
function stages(...commands: readonly string[]): string {
  return [
    ...commands.map((command, index) => `FROM ${baseName} AS stage${index}\nRUN ${command}`),
    `FROM ${baseName}`,
    ...commands.map((_, index) => `COPY --from=stage${index} /tmp /copies/${index}`),
  ].join("\n");
}

test("independent stages run together", async (place) => {
  const text = stages(
    `${meet} touch /meet/a && ${wait("/meet/b")}`,
    `${meet} touch /meet/b && ${wait("/meet/a")}`,
  );
  const { code, stderr } = await place.build(text, { flags: ["--jobs=2"] });
  assertEquals(code, 0, stderr);
});

test("one step runs at a time when only one may", async (place) => {
  const alone = `${meet} [ ! -e /meet/busy ] && touch /meet/busy && sleep 0.2 && rm /meet/busy; : `;
  const { code, stderr } = await place.build(stages(`${alone} 1`, `${alone} 2`, `${alone} 3`), { flags: ["--jobs=1"] });
  assertEquals(code, 0, stderr);
});

test("equal steps run once, in one build and in two platforms' worth of names", async (place) => {
  const count = `${meet} echo x >>/meet/count; sleep 0.2`;
  const { code, stderr, built } = await place.build(stages(count, count, count), { flags: ["--jobs=4"] });
  assertEquals(code, 0, stderr);
  assertEquals(built.filter((name) => name.startsWith("RUN")).length, 1, stderr);
  const forced = await place.build(stages(count, count), { flags: ["--jobs=4", "--no-cache"] });
  assertEquals(forced.code, 0, forced.stderr);
  const { said } = await place.build(`FROM ${baseName}\nRUN ${meet} wc -l </meet/count`);
  assertEquals(said, "2\n");
});

test("a step that fails ends the others, and its error is the one that is told", async (place) => {
  const { code, stderr } = await place.build(
    stages(
      `${meet} ${wait("/meet/b")}; ${wait("/meet/c")}; echo the reason >&2; exit 7`,
      `${meet} trap '' TERM INT; touch /meet/b; (setsid sleep 600 &); sleep 600`,
      `${meet} touch /meet/c; while true; do echo busy; sleep 0.05; done`,
      "sleep 600; echo never",
    ),
    { flags: ["--jobs=3"] },
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "exit code 7");
  assertEquals(stderr.match(/^error: /gm)?.length, 1, stderr);
  assert(stderr.includes("CANCELED"), stderr);
  assertEquals(stderr.match(/^#\d+ ERROR$/gm)?.length, 1, stderr);
  assertStringIncludes(stderr, "the reason\n------");
});

test("stages that are not needed do not run", async (place) => {
  const text =
    `FROM ${baseName} AS unused\nRUN exit 1\nFROM ${baseName} AS used\nRUN echo used >/used\nFROM ${baseName} AS last\nRUN exit 1\n`;
  const { code, built, stderr } = await place.build(text, { flags: ["--target=used"] });
  assertEquals([code, built.length], [0, 1], stderr);
});

const epoch = { SOURCE_DATE_EPOCH: "1600000000" };

/** Steps of all kinds whose result is the same each time. */
const steady = [
  `FROM ${baseName} AS one`,
  "RUN mkdir -p /a/b && echo one >/a/b/file && ln /a/b/file /a/link && ln -s b /a/sym && mkfifo /a/fifo && chmod 4711 /bin/vi",
  "RUN rm -r /a/b && echo two >/a/b && chown 5:6 /a/link && mknod /a/node c 5 6 && rm /bin/sed",
  "RUN cat /a/link /a/b >/sum && head -c 3000000 /dev/zero | tr '\\0' x >/big && mv /a /moved",
  `FROM ${baseName} AS two`,
  "WORKDIR /work",
  "RUN --mount=from=one,source=/moved,target=/m cp -a /m . && (setsid sleep 600 &)",
  "USER 1000",
  "RUN --mount=type=cache,target=/tmp/cache,uid=1000 id -u >/tmp/id && echo x >/tmp/cache/x",
  "FROM one",
  "COPY --from=two /work /work",
  "RUN find / -xdev -type f | grep -vE '^/(proc|sys|dev|sums)' | sort | xargs md5sum | grep -v '/etc/' >/sums",
  "RUN rm -rf /work && mkdir /work && touch /work/new",
].join("\n");

test("an image is the same however its steps were run", async (place) => {
  const ids: [string, string][] = [];
  const build = async (name: string, ...flags: string[]): Promise<void> => {
    const { code, id, stderr } = await place.build(steady, { flags, env: epoch });
    assertEquals(code, 0, `${name}: ${stderr}`);
    ids.push([name, id]);
  };
  await build("one after the other", "--jobs=1");
  await build("from the cache");
  await build("together", "--no-cache", "--jobs=4");
  await Deno.remove(`${place.options.root}/snapshots`, { recursive: true });
  await build("without snapshots", "--no-cache");
  await Deno.remove(`${place.options.root}/snapshots`, { recursive: true });
  await build("the last stage without snapshots", "--no-cache-filter=2");
  await place.strata("cache", "prune", "-af");
  await build("for the first time, together", "--jobs=4");
  await build("as copies", "--no-cache", "--snapshotter=copy");
  await build("by runc", "--no-cache", "--runtime=runc");
  await build("by chroot", "--no-cache", "--runtime=chroot");
  assertEquals(ids.filter(([, id]) => id !== ids[0]?.[1]), [], `expected ${ids[0]?.[1]}`);
  assert(ids[0]?.[1].startsWith("sha256:"));
});

test("steps on layers that were unpacked again give the same layers", async (place) => {
  const text = (last: string): string => `${steady}\nRUN ${last}`;
  const layersOf = async (name: string): Promise<readonly string[]> =>
    JSON.parse((await place.strata("inspect", name)).stdout)[0].RootFS.Layers;
  await place.build(text("rm /sums && echo end >/moved/end"), { flags: ["-t", "first:1"], env: epoch });
  await Deno.remove(`${place.options.root}/snapshots`, { recursive: true });
  const flags = ["-t", "second:1"];
  const { built, stderr } = await place.build(text("rm  /sums && echo end >/moved/end"), { flags, env: epoch });
  assertEquals(built.length, 1, stderr);
  assertEquals(await layersOf("second:1"), await layersOf("first:1"));
});
