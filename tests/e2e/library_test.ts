/** What docs/library.md shows runs as it is shown, and the example with no more permissions than it says. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startRegistry } from "../helpers/registry_process.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { tempFolder } from "../helpers/strata.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runDeno(args: readonly string[]): Promise<Ran> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

async function blocks(language: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${root}/docs/library.md`);
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) =>
    match[1] ?? ""
  );
}

/** The command that the page shows, as arguments of deno, with another registry and directory. */
async function exampleCommand(host: string, directory: string): Promise<readonly string[]> {
  const [command = ""] = await blocks("sh");
  const words = command.trim().split(" ");
  assertEquals(words.shift(), "deno");
  return words.map((word) => word.replaceAll("127.0.0.1:5000", host).replaceAll("/tmp/strata-library", directory));
}

Deno.test("docs/library.md's scripts type-check and run", async () => {
  await using folder = await tempFolder();
  const scripts = await blocks("ts");
  const paths = scripts.map((_, at) => `${folder.path}/${at}.ts`);
  for (const [at, script] of scripts.entries()) {
    await Deno.writeTextFile(paths[at] ?? "", script.replace("/tmp/strata-example", `${folder.path}/root`));
  }
  const config = `--config=${root}/deno.json`;
  const check = await runDeno(["check", config, ...paths]);
  assertEquals(check.code, 0, check.stderr);
  const printed: string[] = [];
  for (const path of paths) {
    const { code, stdout, stderr } = await runDeno(["run", "-A", "--quiet", config, path]);
    assertEquals(code, 0, stderr);
    printed.push(stdout);
  }
  assertEquals(scripts.length, 3);
  assertEquals(printed[0], "empty 1\nempty latest\nNOT_FOUND absent\n");
  assertStringIncludes(printed[1] ?? "", "[site 1/3] WORKDIR /site\n");
  assertStringIncludes(printed[2] ?? "", "Hello, world!\n");
  assertStringIncludes(printed[2] ?? "", "modified /srv/site/hello.txt\n");
});

Deno.test({
  name:
    "examples/library.ts builds, inspects and pushes to docker-registry with the permissions that docs/library.md names",
  ignore: isMissing(peers.dockerRegistry),
}, async () => {
  await using folder = await tempFolder();
  await using registry = await startRegistry();
  const args = await exampleCommand(registry.host, `${folder.path}/root`);
  assertEquals(args.filter((arg) => /^--(allow-(all|ffi|run|sys|env|import)|-A)|^-A/.test(arg)), []);
  const { code, stdout, stderr } = await runDeno(args);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "file /srv/site/hello.txt\n");
  const digest = /^pushed (sha256:[0-9a-f]{64})$/m.exec(stdout)?.[1];
  const manifest = await fetch(`http://${registry.host}/v2/hello/manifests/1`, {
    headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  assertEquals([manifest.status, manifest.headers.get("docker-content-digest")], [200, digest]);
  await manifest.body?.cancel();
  assertEquals((await Deno.readTextFile(`${root}/examples/library.ts`)).split("\n").length - 1 <= 30, true);

  for (const permission of ["read", "write", "net"]) {
    const fewer = await runDeno(args.filter((arg) => !arg.startsWith(`--allow-${permission}=`)));
    assertMatch(fewer.stderr, /[Rr]equires (read|write|net) access/, `without --allow-${permission}`);
  }
});

Deno.test({
  name: "every use-case but those that run commands does without ffi, run, sys and env",
  ignore: isMissing(peers.dockerRegistry),
}, async () => {
  await using folder = await tempFolder();
  await using registry = await startRegistry();
  const { code, stdout, stderr } = await runDeno([
    "run",
    "--quiet",
    `--allow-read=core,plugins,examples/hello,${folder.path}`,
    `--allow-write=${folder.path}`,
    `--allow-net=${registry.host}`,
    "tests/helpers/use_cases.ts",
    folder.path,
    registry.host,
  ]);
  assertEquals(code, 0, stderr);
  assertEquals(stdout.split("Hello, world!").length - 1, 4, stdout);
});

Deno.test("a library without the permission to run programs says so when a build file has RUN", async () => {
  await using folder = await tempFolder();
  const script = `import { buildImage, builtins, createCall, createEngine } from "@strata/strata";
const root = ${JSON.stringify(folder.path)};
await using engine = await createEngine({ plugins: builtins, config: { root: root + "/strata" } });
const file = { type: "text", text: "FROM scratch\\nCOPY a /\\nRUN [\\"/a\\"]\\n" } as const;
await buildImage(engine, { context: { type: "directory", path: root + "/context" }, file }, createCall()).catch(
  ({ code, message, hint }) => console.log(code, message, hint),
);
`;
  await folder.write({ "script.ts": script, "context/a": "a" });
  const allow = [`--allow-read=core,plugins,${folder.path}`, `--allow-write=${folder.path}`];
  const config = `--config=${root}/deno.json`;
  const { stdout, stderr } = await runDeno(["run", "--quiet", config, ...allow, `${folder.path}/script.ts`]);
  const said = "Cannot run commands: Deno gives this process no permission to run programs";
  const expected = Deno.build.os === "linux"
    ? `UNSUPPORTED ${said} Start it with --allow-all, or build without RUN\n`
    : stdout;
  assertEquals(stdout, expected, stderr);
});
