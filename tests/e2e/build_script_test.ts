/** examples/plugins/build_script.ts: build files that are programs, added through the config, against Dockerfiles that say the same. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { containerPeers, findBusybox } from "../helpers/busybox_root.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, runStrata, type StrataOptions, type TempFolder, tempFolder } from "../helpers/strata.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");
const plugin = `${root}/examples/plugins/build_script.ts`;

interface Place extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly options: StrataOptions;
}

/** A folder whose config has the plugin. */
async function makePlace(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<Place> {
  const folder = await tempFolder();
  await folder.write({ "config.json": "{}", ...files });
  const env = { STRATA_CONFIG: `${folder.path}/config.json` };
  const options = { root: `${folder.path}/root`, cwd: folder.path, env };
  const added = await mustRun(options, "plugins", "add", "--yes", plugin);
  assertStringIncludes(added.stderr, "Asks for: scripts\nIs given: scripts\n");
  return { folder, options, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

interface Inspected {
  readonly RootFS: unknown;
  readonly Config: unknown;
}

async function inspect({ options }: Place, image: string): Promise<Inspected> {
  const { stdout } = await mustRun(options, "inspect", image);
  const [{ RootFS, Config }] = JSON.parse(stdout);
  return { RootFS, Config };
}

async function build({ options }: Place, ...args: string[]): Promise<string> {
  return (await mustRun(options, "build", ...args)).stderr;
}

const dockerfile = `FROM scratch AS files
COPY src/a.txt src/b.txt /srv/
COPY --chmod=0600 <<"EOF" /etc/app.conf
price = $5 "or" \\more
EOF

FROM scratch
ENV GREETING="hello \\"\\$USER\\"" EMPTY=""
WORKDIR /srv/app
COPY --from=files --link /srv /srv
COPY --from=files /etc/app.conf /etc/
LABEL "a b"="c'd" version=2
EXPOSE 80/tcp 443
VOLUME ["/data"]
USER 1000
ENTRYPOINT ["/bin/app"]
CMD ["--port", "80"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --retries=2 CMD ["/bin/check"]
`;

const script = `import type {} from "${plugin}";

export default build(async ({ from, arg, context }) => {
  const files = from("scratch")
    .copy(await context.files("src/*.txt"), "/srv/")
    .file("/etc/app.conf", 'price = $5 "or" \\\\more', { chmod: "0600" });
  return from("scratch")
    .env({ GREETING: 'hello "$USER"', EMPTY: "" })
    .workdir("/srv/app")
    .copy("/srv", "/srv", { from: files, link: true })
    .copy("/etc/app.conf", "/etc/", { from: files })
    .label({ "a b": "c'd", version: arg("VERSION", "2") })
    .expose("80/tcp", 443)
    .volume("/data")
    .user(1000)
    .entrypoint(["/bin/app"])
    .cmd(["--port", "80"])
    .stopSignal("SIGINT")
    .healthcheck(["/bin/check"], { interval: "30s", retries: 2 });
});
`;

const context = {
  "src/a.txt": "a\n",
  "src/b.txt": "b\n",
  "src/c.txt": "c\n",
  "src/d.md": "d\n",
  ".dockerignore": "src/c.*\n",
};

Deno.test("a build script gives the layers and the config of the Dockerfile that says the same, and takes them from the cache", async () => {
  await using place = await makePlace({ ...context, Dockerfile: dockerfile, "strata.ts": script });
  assertMatch(await build(place, "-t", "plain", "."), /5 steps, 0 cached/);
  const shown = await build(place, "-t", "typed", "-f", "strata.ts", ".");
  assertMatch(shown, /5 steps, 5 cached/);
  assertEquals(await inspect(place, "typed"), await inspect(place, "plain"));
  assertMatch(await build(place, "-t", "typed", "-f", "strata.ts", "."), /5 steps, 5 cached/);

  await build(place, "-t", "newer", "-f", "strata.ts", "--build-arg", "VERSION=3", ".");
  assertStringIncludes(JSON.stringify(await inspect(place, "newer")), '"version":"3"');
  const unused = await build(place, "-f", "strata.ts", "--build-arg", "NOPE=3", ".");
  assertStringIncludes(unused, 'Build argument "NOPE" is not used');

  await place.folder.write({ "src/a.txt": "changed\n" });
  assertMatch(await build(place, "-t", "typed", "-f", "strata.ts", "."), /5 steps, [0-4] cached/);
  assertMatch(await build(place, "-t", "plain", "."), /5 steps, 5 cached/);
});

Deno.test("--print=dockerfile writes a build script down as a Dockerfile, which gives the same image", async () => {
  await using place = await makePlace({ ...context, "strata.ts": script });
  const { options, folder } = place;
  const { stdout } = await mustRun(options, "build", "-f", "strata.ts", "--print=dockerfile", ".");
  const expected = dockerfile.replace("AS files", "AS image-1").replaceAll("--from=files", "--from=image-1")
    .replace('"--port", "80"', '"--port","80"');
  assertEquals(stdout, expected);
  await folder.write({ Dockerfile: stdout });
  await build(place, "-t", "typed", "-f", "strata.ts", ".");
  assertMatch(await build(place, "-t", "plain", "."), /5 steps, 5 cached/);
  assertEquals(await inspect(place, "typed"), await inspect(place, "plain"));

  const outline = JSON.parse(
    (await mustRun(options, "build", "-f", "strata.ts", "--print=outline", "--format=json", ".")).stdout,
  );
  const [{ name, value, at }] = outline.args;
  assertEquals([name, value, at.file, at.line], ["VERSION", "2", "strata.ts", 12]);
  assertEquals(outline.dockerfile, undefined);
  assertMatch((await mustRun(options, "build", "-f", "strata.ts", "--check", ".")).stdout, /no warnings/);
});

Deno.test({
  name:
    "commands of a build script take their layers from those of a Dockerfile, with mounts, shared stages and platforms",
  ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
}, async () => {
  await using place = await makePlace({
    busybox: await Deno.readFile(findBusybox()),
    "base/Dockerfile": 'FROM scratch\nCOPY --chmod=755 busybox /bin/sh\nCMD ["sh"]\n',
    "part.txt": "part\n",
    Dockerfile: `FROM base AS tools
RUN echo tools > /tools
FROM tools AS made
RUN --mount=type=cache,target=/cache,id=c --mount=type=bind,source=part.txt,target=/part \\
    read part < /part && echo $part '$5' 'two words' > /made
FROM tools
RUN <<"EOF"
set -e
echo one > /script
  echo "  $(read a < /tools; echo $a)" >> /script
EOF
RUN ["/bin/sh", "-c", "echo exec > /exec"]
RUN --mount=type=bind,from=made,source=/made,target=/m --network=none read m < /m && echo "$m" > /copied
CMD ["keep"]
ENTRYPOINT ["sh"]
`,
    "strata.ts": `export default build(({ from, raw }) => {
      const tools = from("base").run("echo tools > /tools");
      const text = ["$5", "two words"];
      const made = tools.run({
        mounts: [{ type: "cache", target: "/cache", id: "c" }, { type: "bind", source: "part.txt", target: "/part" }],
      })\`read part < /part && echo \${raw("$part")} \${text} > /made\`;
      return tools.run\`
          set -e
          echo one > /script
            echo "  $(read a < /tools; echo $a)" >> /script
        \`
        .run(["/bin/sh", "-c", "echo exec > /exec"])
        .run({ mounts: [{ type: "bind", from: made, source: "/made", target: "/m" }], network: "none" })\`
          read m < /m && echo "$m" > /copied\`
        .cmd(["keep"])
        .entrypoint(["sh"]);
    });`,
  });
  const { options } = place;
  await build(place, "-t", "base", "-f", "base/Dockerfile", ".");
  assertMatch(await build(place, "-t", "plain", "."), /5 steps, 0 cached/);
  assertMatch(await build(place, "-t", "typed", "-f", "strata.ts", "."), /5 steps, 5 cached/);
  assertEquals(await inspect(place, "typed"), await inspect(place, "plain"));
  const { stdout } = await mustRun(options, "build", "-q", "-f", "strata.ts", "-o", "type=tar,dest=-", ".");
  assertStringIncludes(stdout, "part $5 two words\n");
  assertMatch(await build(place, "-f", "strata.ts", "--platform", "linux/amd64,linux/arm64", "."), /cached/);
});

Deno.test("a build script can give images by name, of which --target takes one", async () => {
  await using place = await makePlace({
    "strata.ts": `export default build(({ from, platform }) => {
      const base = from("scratch").label({ os: platform.os }).cmd(["base"]).as("base");
      return { test: base.label("kind", "test").entrypoint(["test"]), app: base.label("kind", "app") };
    });`,
  });
  const { options } = place;
  const of = async (...args: string[]): Promise<string> => {
    await build(place, "-t", "x", "-f", "strata.ts", ...args, ".");
    return JSON.stringify(Object(await inspect(place, "x")).Config);
  };
  assertStringIncludes(await of(), '"kind":"app"');
  const test = await of("--target", "test");
  assertStringIncludes(test, '"kind":"test"');
  assert(test.includes('"Cmd":["base"]') && test.includes('"Entrypoint":["test"]'), "the script's own command stays");
  assert(!(await of("--target", "base")).includes("kind"));
  const absent = await runStrata(options, "build", "-f", "strata.ts", "--target", "nope", ".");
  assertStringIncludes(absent.stderr, "base, test, app");
});

Deno.test("a build script that fails or oversteps ends the build with its name, its line and what it did", async () => {
  await using place = await makePlace();
  const { folder, options } = place;
  const cases: readonly (readonly [code: string, state: string])[] = [
    [`Deno.readTextFileSync("/etc/passwd")`, 'it tried read access to "/etc/passwd"'],
    [`Deno.env.toObject()`, "it tried env access"],
    [`await fetch("https://example.com/")`, 'it tried net access to "example.com:443"'],
    [`throw new Error("oops")`, "it threw Error: oops"],
    [`await import("node:fs")`, 'it has the import of "node:fs", expected none'],
    [`arg("MISSING")`, 'Cannot read build argument "MISSING": it has no value'],
    [`from("scratch").workdir("a\\nb")`, "a line of a Dockerfile cannot hold it"],
    [`from("scratch").copy("a", "/b", { from: {} })`, "expected an image, or a name"],
    [`from("a b")`, 'Cannot start from "a b"'],
    [`const image: = 1`, "it is no program"],
    [`from("scratch").nope()`, "it threw TypeError: from(...).nope is not a function"],
  ];
  for (const [code, state] of cases) {
    await folder.write({
      "strata.ts": `export default build(async ({ from, arg }) => {\n  ${code};\n  return from("scratch");\n});\n`,
    });
    const { code: exit, stderr } = await runStrata(options, "build", "-f", "strata.ts", ".");
    assertEquals(exit, 1, stderr);
    assertStringIncludes(stderr, state);
    assertMatch(stderr, /strata\.ts:2/);
    assert(!/\n\s+at /.test(stderr), stderr);
  }
  const config = JSON.parse(await Deno.readTextFile(`${folder.path}/config.json`));
  const plugins = [{ ...config.plugins[0], timeoutSeconds: 1 }];
  await folder.write({
    "config.json": JSON.stringify({ ...config, plugins }),
    "strata.ts": "export default build(() => { while (true); });",
  });
  const { code, stderr } = await runStrata(options, "build", "-f", "strata.ts", ".");
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'plugin "build-script" on "strata.ts": it did not answer for 1 s, so it was ended');
});

Deno.test("an error in a step of a build script is told with the script's line", async () => {
  await using place = await makePlace({
    "strata.ts": `export default build(({ from }) =>\n  from("scratch")\n    .copy("absent.txt", "/")\n);\n`,
  });
  const { stderr } = await runStrata(place.options, "build", "-f", "strata.ts", ".");
  assertStringIncludes(stderr, "absent.txt");
  assertMatch(stderr, /strata\.ts:3:6/);
});

Deno.test("the types of build scripts are checked in an editor by a type-only import of the plugin's file", async () => {
  await using folder = await tempFolder();
  const check = async (code: string): Promise<string> => {
    await folder.write({ "strata.ts": code });
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--no-lock", `--config=${root}/deno.json`, `${folder.path}/strata.ts`],
      env: { NO_COLOR: "1" },
    }).output();
    return new TextDecoder().decode(stderr).replace(/^Check .*\n/gm, "");
  };
  assertEquals(await check(script), "");
  assertMatch(await check(script.replace(".user(1000)", ".user(true)")), /TS2345|TS2769/);
  assertMatch(await check(script.replace(".workdir(", ".workdri(")), /TS2551/);
  assertMatch(await check(script.replace("return from", "return 1 ?? from")), /TS2345|TS2322|TS2769/);
});

Deno.test({
  name: "buildah reads the Dockerfile of a build script as strata does, whatever is in its texts",
  ignore: isMissing("root", peers.buildah),
}, async () => {
  const text = `$A \${B} "c" 'd' \\\\e \\$f #g <<h [i] *`;
  await using place = await makePlace({
    "src/a b.txt": "a\n",
    "src/c$d.txt": "c\n",
    "strata.ts": `const text = ${JSON.stringify(text)};
      export default build(({ from }) => from("scratch")
        .env({ A: "1", TEXT: text }).label({ text, "a b": text })
        .copy(["src/a b.txt", "src/c$d.txt"], "/to here/").volume("/v $w").user("1000").workdir("/w")
        .entrypoint([text]).cmd(["x", text]).expose(80).stopSignal("SIGINT"));`,
  });
  const { options, folder } = place;
  await build(place, "-t", "typed", "-f", "strata.ts", ".");
  const { stdout } = await mustRun(options, "build", "-f", "strata.ts", "--print=dockerfile", ".");
  await folder.write({ "peer/Dockerfile": stdout, "peer/src/a b.txt": "a\n", "peer/src/c$d.txt": "c\n" });
  const buildah = async (...args: string[]): Promise<string> => {
    const storage = ["--storage-driver=vfs", `--root=${folder.path}/storage`, `--runroot=${folder.path}/run`];
    const output = await new Deno.Command("buildah", { args: [...storage, ...args] }).output();
    assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
    return new TextDecoder().decode(output.stdout);
  };
  await buildah("build", "--isolation=chroot", "--format=oci", "-t", "plain", `${folder.path}/peer`);
  const theirs = JSON.parse(await buildah("inspect", "--type=image", "plain")).OCIv1.config;
  const { Config: ours } = await inspect(place, "typed") as { Config: Record<string, unknown> };
  const isOwn = (value: string): boolean => !value.startsWith("PATH=");
  assertEquals([...Object(ours["Env"])].filter(isOwn), [...theirs.Env].filter(isOwn));
  delete theirs.Labels["io.buildah.version"];
  for (const name of ["Labels", "Entrypoint", "Cmd", "User", "WorkingDir", "Volumes", "ExposedPorts", "StopSignal"]) {
    assertEquals(ours[name], theirs[name], name);
  }
  assertEquals(Object(ours["Labels"])["a b"], text);
  const container = (await buildah("from", "plain")).trim();
  const mounted = (await buildah("mount", container)).trim();
  assertEquals([...Deno.readDirSync(`${mounted}/to here`)].map(({ name }) => name).sort(), ["a b.txt", "c$d.txt"]);
  await buildah("umount", container);
});
