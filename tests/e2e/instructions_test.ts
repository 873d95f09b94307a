/** examples/plugins/instructions.ts: Dockerfiles with INCLUDE and APT, whose plugin was added through the config. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { containerPeers, findBusybox } from "../helpers/busybox_root.ts";
import { isMissing } from "../helpers/require.ts";
import { mustRun, runStrata, type StrataOptions, type TempFolder, tempFolder } from "../helpers/strata.ts";

const plugin = fromFileUrl(new URL("../../examples/plugins/instructions.ts", import.meta.url));
const syntax = "# syntax=strata/instructions\n";

interface Place extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly options: StrataOptions;
}

/** A folder whose context is `src`, with a config that has the plugin. */
async function makePlace(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<Place> {
  const folder = await tempFolder();
  const inSource = Object.entries(files).map(([name, text]) => [`src/${name}`, text] as const);
  await folder.write({ "config.json": "{}", ...Object.fromEntries(inSource) });
  const env = { STRATA_CONFIG: `${folder.path}/config.json` };
  const options = { root: `${folder.path}/root`, cwd: `${folder.path}/src`, env };
  const added = await mustRun(options, "plugins", "add", "--yes", plugin);
  assertStringIncludes(added.stderr, "parse:instructions layer:apt.install\nAsks for: none\n");
  return { folder, options, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function build({ options }: Place, ...args: string[]): Promise<string> {
  return (await mustRun(options, "build", ...args, ".")).stderr;
}

async function refusal({ options }: Place, ...args: string[]): Promise<string> {
  const { code, stderr } = await runStrata(options, "build", ...args, ".");
  assertEquals(code, 1, stderr);
  return stderr;
}

async function layersOf({ options }: Place, image: string): Promise<unknown> {
  return JSON.parse((await mustRun(options, "inspect", "-f", "{{json .RootFS}}", image)).stdout);
}

async function sha256(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

const nested = "LABEL nested=1\nCOPY b.txt /b.txt\n";

async function project(): Promise<Record<string, string>> {
  const common =
    `# escape=\\\n# what all have\nCOPY a.txt \\\n  # not INCLUDE here\n  /a.txt\nINCLUDE --checksum=sha256:${await sha256(
      nested,
    )} docker/nested.dockerfile\n`;
  return {
    "a.txt": "a\n",
    "b.txt": "b\n",
    "docker/common.dockerfile": common,
    "docker/nested.dockerfile": nested,
    Dockerfile:
      `${syntax}from scratch as base\nINCLUDE ./docker/common.dockerfile\nCOPY <<EOF <<"OTHER" /text/\nINCLUDE nothing\nEOF\nAPT nothing\nOTHER\n\nFROM base\ninclude docker/nested.dockerfile\nLABEL last=1\n`,
  };
}

const plain = `FROM scratch AS base
# what all have
COPY a.txt \\
  # not INCLUDE here
  /a.txt
LABEL nested=1
COPY b.txt /b.txt
COPY <<EOF <<"OTHER" /text/
INCLUDE nothing
EOF
APT nothing
OTHER

FROM base
LABEL nested=1
COPY b.txt /b.txt
LABEL last=1
`;

Deno.test("INCLUDE puts in files of the context, and gives the layers of the Dockerfile that has their lines", async () => {
  await using place = await makePlace({ ...await project(), "plain.Dockerfile": plain });
  assertMatch(await build(place, "-t", "included"), /4 steps, 0 cached/);
  assertMatch(await build(place, "-t", "included"), /4 steps, 4 cached/);
  assertMatch(await build(place, "-t", "plain", "-f", "plain.Dockerfile"), /4 steps, 4 cached/);
  assertEquals(await layersOf(place, "included"), await layersOf(place, "plain"));
  const labels = await mustRun(place.options, "inspect", "-f", "{{json .Config.Labels}}", "included");
  assertEquals(JSON.parse(labels.stdout), { nested: "1", last: "1" });
});

Deno.test("--print=dockerfile writes a file with INCLUDE and APT in Docker's own syntax", async () => {
  await using place = await makePlace(await project());
  const { options, folder } = place;
  const { stdout } = await mustRun(options, "build", "--print=dockerfile", ".");
  assertEquals(stdout, plain.replace("scratch AS", "scratch as"));
  await folder.write({
    "src/apt.Dockerfile": `${syntax}FROM scratch\nAPT git curl=1.0 \\\n  # why\n  git\napt --recommends "x"\n`,
  });
  assertStringIncludes(
    await refusal(place, "-f", "apt.Dockerfile", "--print=dockerfile"),
    'APT: ""x"" names no package',
  );
  await folder.write({ "src/apt.Dockerfile": `${syntax}FROM scratch\nARG V=1\nAPT git curl=$V \\\n  # why\n  git\n` });
  const apt = await mustRun(options, "build", "-f", "apt.Dockerfile", "--print=dockerfile", ".");
  assertEquals(
    apt.stdout,
    'FROM scratch\nARG V=1\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "curl=$V" git\n',
  );
});

Deno.test("an error is told with the file that it is in, and its line there", async () => {
  await using place = await makePlace(await project());
  const { folder } = place;
  const cases: readonly (readonly [files: Readonly<Record<string, string>>, message: string, at: string])[] = [
    [{ "docker/nested.dockerfile": nested + "\n" }, "its checksum is sha256:", "docker/common.dockerfile:6"],
    [
      { "docker/nested.dockerfile": "LABEL a=1\nINCLUDE docker/common.dockerfile\n" },
      "its checksum is",
      "docker/common.dockerfile:6",
    ],
    [{ "docker/common.dockerfile": "LABEL a=1\n\nRUN --nope x\n" }, "--nope", "docker/common.dockerfile:3:5"],
    [
      { "docker/common.dockerfile": "COPY a.txt \\\n" },
      "its last instruction is not finished",
      "docker/common.dockerfile:1",
    ],
    [{ "docker/common.dockerfile": "# escape=`\nLABEL a=1\n" }, "its escape character is `", "Dockerfile:3"],
    [{ "docker/common.dockerfile": "\nCOPY absent /\n" }, "absent", "docker/common.dockerfile:2"],
    [
      { "docker/common.dockerfile": "INCLUDE docker/absent\n" },
      "the build context has no such file",
      "docker/common.dockerfile:1",
    ],
    [{ "docker/common.dockerfile": "INCLUDE --checksum=sha256:00 a\n" }, "64 hex digits", "docker/common.dockerfile:1"],
    [{ "docker/common.dockerfile": "LABEL a=1\nINCLUDE $FILE\n" }, "without variables", "docker/common.dockerfile:2"],
    [
      { "docker/common.dockerfile": "INCLUDE docker/other\n", "docker/other": "\nINCLUDE docker/common.dockerfile\n" },
      "it includes itself, by Dockerfile, docker/common.dockerfile, docker/other, docker/common.dockerfile",
      "docker/other:2",
    ],
    [{ Dockerfile: `${syntax}FROM scratch\nLABEL a=1\nNOPE\n` }, "NOPE", "Dockerfile:4:1"],
    [{ Dockerfile: `${syntax}FROM scratch\nAPT a; rm\n` }, '"a;" names no package', "Dockerfile:3"],
    [{ Dockerfile: `${syntax}INCLUDE ../outside\n` }, "outside", "Dockerfile:2"],
  ];
  for (const [files, message, at] of cases) {
    const all = { ...await project(), ...files };
    await folder.write(Object.fromEntries(Object.entries(all).map(([name, text]) => [`src/${name}`, text])));
    const stderr = await refusal(place);
    assertStringIncludes(stderr, message);
    assertStringIncludes(stderr, `--> ${at}`);
  }
  const deep = Array.from({ length: 20 }, (_, i) => [`src/deep/${i}`, `INCLUDE deep/${i + 1}\n`]);
  await folder.write({ ...Object.fromEntries(deep), "src/Dockerfile": `${syntax}FROM scratch\nINCLUDE deep/0\n` });
  assertStringIncludes(await refusal(place), "more than 16 files inside each other");
});

Deno.test("a syntax that no plugin takes is told with its line", async () => {
  await using place = await makePlace({ Dockerfile: `# escape=\`\n${syntax}FROM scratch\n` });
  await build(place);
  await mustRun(place.options, "plugins", "rm", "instructions");
  const stderr = await refusal(place);
  assertStringIncludes(stderr, 'Cannot read build file "Dockerfile": no plugin takes its syntax "strata/instructions"');
  assertStringIncludes(stderr, "--> Dockerfile:2");
});

const aptGet = `#!/bin/sh
case $1 in
  update) echo lists > /var/lib/apt/lists/all ;;
  install)
    read lists < /var/lib/apt/lists/all || exit 9
    for word; do case $word in -*|install) ;; missing) echo "no such package"; exit 100 ;; *) echo "$DEBIAN_FRONTEND" > /opt/$word ;; esac; done
    echo "today $$" > /var/log/dpkg.log
    echo "today $$" > /var/log/apt/term.log ;;
esac
`;

Deno.test({
  name: "APT runs apt-get as an operation of its own: the order of names does not matter, lists and logs are left out",
  ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
}, async () => {
  await using place = await makePlace({
    "rootfs/bin/sh": await Deno.readFile(findBusybox()),
    "rootfs/usr/bin/apt-get": aptGet,
    "rootfs/opt/kept": "",
    "rootfs/var/log/apt/kept": "",
    "base.Dockerfile": "FROM scratch\nCOPY --chmod=755 rootfs /\n",
    Dockerfile: `${syntax}FROM base\nARG V=1\nAPT git curl=$V\n`,
  });
  const { options, folder } = place;
  await build(place, "-t", "base", "-f", "base.Dockerfile");
  const first = await build(place, "-t", "app", "--progress=plain");
  assertStringIncludes(first, "APT git curl=$V");
  assertMatch(first, /1 step, 0 cached/);
  assertMatch(await build(place, "-t", "app"), /1 step, 1 cached/);
  await folder.write({ "src/Dockerfile": `${syntax}FROM base\nARG V=1\nAPT curl=$V \\\n git git\n` });
  assertMatch(await build(place, "-t", "app"), /1 step, 1 cached/);
  const changes = (await mustRun(options, "image", "diff", "base", "app")).stdout;
  assertStringIncludes(changes, "A /opt/curl=1 ");
  assertStringIncludes(changes, "A /opt/git ");
  assert(!/var\/(log|lib|cache)/.test(changes), changes);
  assertMatch(await build(place, "--build-arg", "V=2"), /1 step, 0 cached/);

  const { stdout } = await mustRun(options, "build", "--print=dockerfile", ".");
  await folder.write({ "src/plain.Dockerfile": stdout });
  await build(place, "-t", "plain", "-f", "plain.Dockerfile");
  const byHand = (await mustRun(options, "image", "diff", "base", "plain")).stdout;
  assertStringIncludes(byHand, "A /opt/curl=1 ");
  assertStringIncludes(byHand, "A /var/log/dpkg.log ");

  await folder.write({
    "src/Dockerfile": `${syntax}FROM base\nINCLUDE part\n`,
    "src/part": "LABEL a=1\nAPT missing\n",
  });
  const failed = await refusal(place);
  assertStringIncludes(failed, "no such package");
  assertStringIncludes(failed, "--> part:2");
});
