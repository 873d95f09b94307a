/** What a RUN is taken from the cache for, and what has it run again (BuildKit, solver/llbsolver/ops/exec.go, CacheMap); and its history. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { isMissing } from "../helpers/require.ts";
import { baseName, makeRunPlace, type RunBuild, type RunPlace } from "../helpers/run_place.ts";

const ignore = isMissing("root", containerPeers.busybox, containerPeers.crun);

const test = (name: string, body: (place: RunPlace) => Promise<void>): void =>
  Deno.test({
    name,
    ignore,
    fn: async () => {
      await using place = await makeRunPlace();
      await body(place);
    },
  });

const mounts = [
  "--mount=from=files,source=/part,target=/stage",
  "--mount=source=dir/part,target=/context",
  "--mount=type=cache,id=one,target=/cache",
  "--mount=type=secret,id=secret",
  "--mount=type=ssh",
  "--mount=type=tmpfs,target=/memory",
].join(" ");

const files = {
  "part/file": "part\n",
  "other/file": "other\n",
  "dir/part/file": "part\n",
  "dir/other/file": "other\n",
  "secret": "secret\n",
};

const file = [
  `FROM ${baseName} AS files`,
  "COPY part /part",
  "COPY other /other",
  `FROM ${baseName}`,
  "ARG USED=1",
  "ARG UNUSED=1",
  "ENV SET=1",
  "WORKDIR /work",
  "USER 1000",
  `RUN ${mounts} echo $USED`,
  "LABEL label=1",
].join("\n");

/** A change of the build above: of its text, its files, its flags, its environment. */
interface Variation {
  readonly name: string;
  readonly text?: readonly [from: string | RegExp, to: string];
  readonly how?: RunBuild;
  /** Steps that are built, in any order; none when left out. */
  readonly built?: readonly string[];
}

const again = ["RUN"];

const variations: readonly Variation[] = [
  { name: "nothing" },
  { name: "a variable", text: ["SET=1", "SET=2"], built: again },
  { name: "one more variable", text: ["ENV SET=1", "ENV SET=1 MORE=1"], built: again },
  { name: "an argument that it uses", how: { flags: ["--build-arg", "USED=2"] }, built: again },
  { name: "an argument that is declared", how: { flags: ["--build-arg", "UNUSED=2"] }, built: again },
  { name: "an argument that is not declared", how: { flags: ["--build-arg", "ABSENT=2"] } },
  { name: "an argument that is declared behind it", text: ["LABEL", "ARG LATE=2\nLABEL"] },
  { name: "the place where an argument is declared", text: [/ARG UNUSED=1\n(ENV SET=1)/, "$1\nARG UNUSED=1"] },
  { name: "proxies", how: { flags: ["--build-arg", "HTTP_PROXY=http://a:1", "--build-arg", "no_proxy=a"] } },
  { name: "the working directory", text: ["/work", "/tmp"], built: ["RUN", "WORKDIR /tmp"] },
  { name: "the user", text: ["USER 1000", "USER 0"], built: again },
  { name: "the command", text: ["echo $USED", "echo  $USED"], built: again },
  { name: "the form of the command", text: ["echo $USED", '["/bin/sh", "-c", "echo $USED"]'] },
  { name: "how the file is written", text: ["RUN", "# comment\nRUN \\\n# another\n"] },
  { name: "the shell", text: ["WORKDIR", 'SHELL ["/bin/ash", "-c"]\nWORKDIR'], built: again },
  { name: "its network", text: ["RUN", "RUN --network=none"], built: again },
  {
    name: "files of another stage that it mounts",
    how: { files: { "part/file": "new\n" } },
    built: ["COPY part /part", "COPY other /other", "RUN"],
  },
  {
    name: "files of another stage that it does not mount",
    how: { files: { "other/file": "new\n" } },
    built: ["COPY other /other"],
  },
  { name: "files of the context that it mounts", how: { files: { "dir/part/file": "new\n" } }, built: again },
  { name: "a file more in what it mounts", how: { files: { "dir/part/more": "new\n" } }, built: again },
  { name: "files of the context that it does not mount", how: { files: { "dir/other/file": "new\n" } } },
  { name: "where files are mounted", text: ["target=/context", "target=/elsewhere"], built: again },
  { name: "whether a mount can be written to", text: ["target=/context", "target=/context,rw"], built: again },
  {
    name: "the content of a secret",
    how: { files: { secret: "another\n" }, flags: ["--secret", "id=secret,src=SECRET"] },
  },
  { name: "whether there is a secret", how: { flags: ["--secret", "id=secret,src=SECRET"] } },
  { name: "whether a secret is required", text: ["id=secret", "id=secret,required=false"] },
  { name: "the mode of a secret", text: ["id=secret", "id=secret,mode=0444"], built: again },
  { name: "the id of a cache", text: ["id=one", "id=two"] },
  { name: "how a cache is shared", text: ["id=one", "id=one,sharing=locked"] },
  { name: "where a cache is", text: ["target=/cache", "target=/caches"], built: again },
  { name: "the size of a file system in memory", text: ["target=/memory", "target=/memory,size=1m"], built: again },
  { name: "names of hosts", how: { flags: ["--add-host", "a:1.2.3.4"] }, built: again },
  { name: "addresses of hosts", how: { flags: ["--add-host", "a:4.3.2.1"] } },
  { name: "name servers", how: { flags: ["--dns", "1.2.3.4", "--dns-search", "a", "--dns-option", "rotate"] } },
  { name: "the network of all", how: { flags: ["--network=none"] }, built: again },
  { name: "what a process may use", how: { flags: ["--ulimit", "nofile=99"] }, built: again },
  { name: "the size of shared memory", how: { flags: ["--shm-size", "1m"] }, built: again },
  { name: "how much memory and time there is", how: { flags: ["--memory", "64m", "--cpus", "1"] } },
  { name: "what commands are run by", how: { flags: ["--runtime=runc", "--snapshotter=copy", "--jobs=1"] } },
  { name: "what is behind it", text: ["label=1", "label=2"] },
  {
    name: "everything when nothing is taken",
    how: { flags: ["--no-cache"] },
    built: ["COPY part /part", "COPY other /other", "WORKDIR /work", "RUN"],
  },
  {
    name: "a stage of which nothing is taken",
    how: { flags: ["--no-cache-filter=files"] },
    built: ["COPY part /part", "COPY other /other"],
  },
];

test("RUN is run again when what decides its result has changed, and only then", async (place) => {
  const first = await place.build(file, { files });
  assertEquals([first.code, first.built.length], [0, 4], first.stderr);
  for (const { name, text, how = {}, built = [] } of variations) {
    const changed = text === undefined ? file : file.replace(text[0], text[1]);
    assert(text === undefined || changed !== file, name);
    const merged = { ...files, ...how.files };
    await Deno.writeTextFile(`${place.path}/secret`, merged.secret);
    const flags = (how.flags ?? []).map((flag) => flag.replace("SECRET", `${place.path}/secret`));
    const { code, stderr, built: names } = await place.build(changed, { ...how, files: merged, flags });
    assertEquals(code, 0, `${name}: ${stderr}`);
    assertEquals(
      names.map((step) => step.startsWith("RUN") ? "RUN" : step).sort(),
      [...built].sort(),
      `after a change of ${name}`,
    );
  }
});

test("a step whose parent was built again to the same files is taken from the cache", async (place) => {
  const text = (word: string): string =>
    [
      `FROM ${baseName} AS below`,
      `RUN mkdir /made; echo same >/made/file; : ${word}; touch -d @1000000000 /made/file /made`,
      "FROM below",
      "RUN cat /made/file >/copy",
      `FROM ${baseName}`,
      "COPY --from=1 /copy /",
      "RUN --mount=from=below,source=/made,target=/m cat /m/file >/third",
    ].join("\n");
  await place.build(text("one"));
  const { built, stderr } = await place.build(text("two"));
  assertEquals(built.map((name) => name.slice(0, 14)), ["RUN mkdir /mad"], stderr);
});

test("a cached step is not run, and its layer is the one that was made", async (place) => {
  const text = `FROM ${baseName}\nRUN head -c 16 /dev/urandom >/random\nRUN cat /random | md5sum`;
  const first = await place.build(text, { flags: ["-t", "one:1"] });
  const second = await place.build(text, { flags: ["-t", "two:1"] });
  assertEquals([second.said, second.built, second.id], ["", [], first.id]);
  await place.strata("image", "rm", "--no-prune", "one:1", "two:1");
  const third = await place.build(text);
  assertEquals([third.said, third.built], ["", []]);
  await place.strata("cache", "prune", "-af");
  const fourth = await place.build(text);
  assert(fourth.said !== first.said && fourth.id !== first.id && fourth.id !== "");
});

test("a failed step is not remembered, those before it are", async (place) => {
  const text = (last: string): string => `FROM ${baseName}\nRUN echo once >/once\nRUN ${last}`;
  assertEquals((await place.build(text("exit 1"))).code, 1);
  assertEquals((await place.build(text("exit 1"))).code, 1);
  const { built } = await place.build(text("true"));
  assertEquals(built, ["RUN true"]);
});

/** Texts of an image's history, oldest first, those of the base image left out. */
async function historyOf(place: RunPlace, name: string): Promise<readonly string[]> {
  const { stdout } = await place.strata("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", name);
  return stdout.trimEnd().split("\n").reverse().slice(1);
}

test("history has the arguments that were declared, and no proxy or secret", async (place) => {
  const { code, stderr } = await place.build(
    [
      `FROM ${baseName}`,
      "ARG B=2",
      "RUN true",
      "ARG A",
      "ARG C",
      "ENV B=env D=4",
      "RUN echo $A",
      'RUN ["/bin/sh", "-c", "echo exec"]',
      "RUN --mount=type=secret,id=s,env=S <<EOF",
      "echo here",
      "EOF",
      'SHELL ["/bin/ash", "-e", "-c"]',
      "RUN true",
    ].join("\n"),
    {
      flags: ["-t", "made:1", "--build-arg=A=x y", "--build-arg=http_proxy=http://p:1", "--secret", "id=s,env=WORD"],
      env: { WORD: "a-secret-word" },
    },
  );
  assertEquals(code, 0, stderr);
  const history = await historyOf(place, "made:1");
  assertEquals(history.filter((text) => text.startsWith("RUN")).map((text) => text.replace(/ # buildkit$/, "")), [
    "RUN |1 B=2 /bin/sh -c true",
    "RUN |3 B=env A=x y C= /bin/sh -c echo $A",
    "RUN |3 B=env A=x y C= /bin/sh -c echo exec",
    "RUN |3 B=env A=x y C= /bin/sh -c echo here",
    "RUN |3 B=env A=x y C= /bin/ash -e -c true",
  ]);
  assert(!/proxy|a-secret-word/.test(JSON.stringify(history)));
  const [image] = JSON.parse((await place.strata("inspect", "made:1")).stdout);
  assertEquals(image.RootFS.Layers.length, 6);
  assertMatch(JSON.stringify(image.Config.Env), /"B=env","D=4"/);
  assertStringIncludes(
    (await place.build(`FROM ${baseName}\nRUN env | grep -i proxy`, { flags: ["--build-arg=http_proxy=http://p:1"] }))
      .said,
    "http_proxy=http://p:1\n",
  );
});
