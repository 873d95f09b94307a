/** The commands that docs/plugins.md shows for buckets run, and both plugins pass their suites in a sandbox. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startNpmRegistry } from "../helpers/npm_registry.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { makeMachine } from "../helpers/s3_machine.ts";
import { startS3 } from "../helpers/s3_server.ts";
import { mustRun, strataCommand, type StrataOptions } from "../helpers/strata.ts";

const ignore = isMissing(peers.versitygw);
const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");

async function onMachine(
  plugins: readonly string[],
  work: (options: StrataOptions, run: (plugin: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  await using server = await startS3();
  await using registry = await startNpmRegistry("aws4fetch@1.0.20");
  await using machine = await makeMachine({ server, registry, plugins });
  const text = await Deno.readTextFile(`${root}/docs/plugins.md`);
  const run = async (plugin: string): Promise<string> => {
    const blocks = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
    const block = blocks.find((each) => each.includes(plugin)) ?? "";
    const command = strataCommand().map((word) => `'${word}'`).join(" ");
    const script = block.replaceAll("s3.example.com:9000", server.host);
    const output = await new Deno.Command("sh", {
      args: ["-ec", `strata() { ${command} "$@"; }\n${script}`],
      cwd: root,
      env: { ...machine.options.env, STRATA_ROOT: machine.options.root, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
    assertEquals(output.code, 0, said);
    return said;
  };
  await work(machine.options, run);
}

Deno.test({
  name: "docs/plugins.md: the commands of the store in a bucket run in their order",
  ignore,
  fn: () =>
    onMachine([], async (options, run) => {
      const said = await run("store_s3.ts");
      assertMatch(said, /Imports: {2}npm:aws4fetch@1\.0\.20 \(sha256 [0-9a-f]{64}\)\n/);
      assertMatch(said, /^hello +latest /m);
      assertEquals((await mustRun(options, "image", "ls", "-q")).stdout, "", "it is in the bucket alone");
    }),
});

Deno.test({
  name: "docs/plugins.md: the commands of images in a bucket run in their order",
  ignore,
  fn: () =>
    onMachine([], async (options, run) => {
      assertStringIncludes(await run("transport_s3.ts"), "docker.io/library/hello:1\ndocker.io/library/hello:stable\n");
      assertMatch((await mustRun(options, "image", "ls")).stdout, /^hello +back /m);
    }),
});

Deno.test({
  name: "strata plugins check runs the suites of both plugins against the server and all pass",
  ignore,
  fn: () =>
    onMachine(["store_s3", "transport_s3"], async (options) => {
      for (const plugin of ["store-s3", "transport-s3"]) {
        const { stdout } = await mustRun(options, "plugins", "check", "-q", plugin);
        assertMatch(stdout, /^\d+ passed, 0 failed, 0 skipped\n$/);
      }
    }),
});
