/** What the command shows of a build that is replayed is what it shows of one whose steps are all in the cache. */
import { assertEquals } from "@std/assert";
import { mustRun, type StrataOutput, tempFolder } from "../helpers/strata.ts";

const files = {
  "context/Dockerfile": [
    "FROM scratch AS one",
    "COPY a.txt /",
    "WORKDIR /work",
    "MAINTAINER somebody",
    "COPY b.txt /work/",
  ].join("\n"),
  "context/a.txt": "a\n",
  "context/b.txt": "b\n",
};

/** Output without times, and without the lines that a terminal shows while something runs, which are drawn as time goes by. */
function timeless({ code, stdout, stderr }: StrataOutput): StrataOutput {
  // deno-lint-ignore no-control-regex -- control sequences are what is looked for
  const lines = stderr.replaceAll(/\d+\.\d+s/g, "0s").replaceAll(/\x1b\[\d*[AJ]/g, "").split("\n");
  return { code, stdout, stderr: lines.filter((line) => !line.startsWith(" .. ")).join("\n") };
}

for (const progress of ["plain", "tty", "rawjson", "quiet", "auto"]) {
  Deno.test(`strata build --progress=${progress} shows the same when nothing is done again`, async () => {
    await using folder = await tempFolder();
    await folder.write(files);
    const outputs: StrataOutput[] = [];
    for (let i = 0; i < 4; i++) {
      const facts = [`--iidfile=${folder.path}/id`, `--metadata-file=${folder.path}/facts`];
      const output = await mustRun(
        { root: `${folder.path}/root` },
        "build",
        `--progress=${progress}`,
        "-t",
        "app",
        ...facts,
        `${folder.path}/context`,
      );
      const written = await Promise.all(["id", "facts"].map((name) => Deno.readTextFile(`${folder.path}/${name}`)));
      outputs.push({ ...timeless(output), stdout: output.stdout + written.join("\n") });
    }
    const [, cached, ...replayed] = outputs;
    assertEquals(replayed, [cached, cached]);
  });
}

Deno.test("strata build --quiet writes the ID when nothing is done again, and what is asked otherwise is built", async () => {
  await using folder = await tempFolder();
  await folder.write(files);
  const options = { root: `${folder.path}/root`, cwd: folder.path };
  const build = async (env: Record<string, string> = {}, ...args: string[]): Promise<string> =>
    (await mustRun({ ...options, env }, "build", "-q", ...args, "context")).stdout;
  const ids = [await build(), await build(), await build()];
  assertEquals(new Set(ids).size, 1);
  const other = await build({ SOURCE_DATE_EPOCH: "1" });
  assertEquals(other === ids[0], false);
  assertEquals(await build({ SOURCE_DATE_EPOCH: "1" }), other);
  assertEquals(await build(), ids[0]);
  await folder.write({ "config.json": '{"pluginOptions":{"layer-copy":{"maxUnpackedBytes":5000}}}' });
  assertEquals((await build({ STRATA_CONFIG: `${folder.path}/config.json` })).length, ids[0]?.length);
  await folder.write({ "context/a.txt": "A\n" });
  assertEquals((await build()) === ids[0], false);
});
