/** What the command refuses, and how it says so: one clear error, a hint, the right exit code and no stack trace. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { rawTar } from "../helpers/raw_tar.ts";
import { mustRun, runStrata, type StrataOutput, type TempFolder, tempFolder } from "../helpers/strata.ts";

interface Place extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly root: string;
}

async function place(): Promise<Place> {
  const folder = await tempFolder();
  await folder.write({ "src/Dockerfile": "FROM scratch\nCOPY a.txt /\n", "src/a.txt": "a\n" });
  return { folder, root: `${folder.path}/root`, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

function assertRefused(output: StrataOutput, code: number, ...parts: string[]): void {
  assertEquals(output.code, code, output.stderr);
  assertMatch(output.stderr, /^error: Cannot /m);
  for (const part of parts) assertStringIncludes(output.stderr, part);
  assert(!output.stderr.includes("    at "), output.stderr);
}

Deno.test("import refuses a directory, a URL and what is no tar, by the name that was given", async () => {
  await using at = await place();
  const { root, folder } = at;
  const imported = (...words: string[]): Promise<StrataOutput> => runStrata({ root }, "import", ...words);
  assertRefused(await imported(`${folder.path}/src`), 2, "it is a directory", "hint: Pack it");
  const secret = await imported("http://user:secret@127.0.0.1:1/x.tar");
  assertRefused(secret, 2, "from a URL", "hint: Download it");
  assert(!secret.stderr.includes("secret"), secret.stderr);
  assertRefused(await imported(`${folder.path}/src/Dockerfile`), 2, `Cannot import "${folder.path}/src/Dockerfile": `);
  assertRefused(
    await imported("-"),
    2,
    'Cannot import "standard input": cannot read tar archive: it is empty',
    "hint:",
  );
});

Deno.test("load names the archive in which something is wrong, and refuses one without images", async () => {
  await using at = await place();
  const { root, folder } = at;
  const load = async (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<StrataOutput> => {
    await Deno.writeFile(`${folder.path}/${name}`, bytes);
    return await runStrata({ root }, "load", "-i", `${folder.path}/${name}`);
  };
  const config = (diffId: string): string =>
    JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [diffId] } });
  const manifest = JSON.stringify([{ Config: "c.json", RepoTags: ["BAD TAG:::"], Layers: ["l.tar"] }]);
  const wrong = rawTar([
    { name: "c.json", text: config(`sha256:${"0".repeat(64)}`) },
    { name: "l.tar", text: "no tar" },
    { name: "manifest.json", text: manifest },
  ]);
  assertRefused(await load("wrong.tar", wrong), 1, "wrong.tar", "hint: Give an archive");
  assertRefused(await load("none.tar", rawTar([{ name: "manifest.json", text: "[]" }])), 2, "there is no image in it");
  assertRefused(await runStrata({ root, stdin: "no tar" }, "load"), 2, '"standard input": not a tar archive', "hint:");
  assertEquals((await mustRun({ root }, "images", "-aq")).stdout, "");
});

Deno.test("load tells which name of an archive cannot be used, and loads the image without it", async () => {
  await using at = await place();
  const { root, folder } = at;
  await mustRun({ root }, "build", "-q", "-t", "app:1", `${folder.path}/src`);
  await mustRun({ root }, "save", "--format", "docker-archive", "-o", `${folder.path}/a.tar`, "app:1");
  const text = new TextDecoder("latin1").decode(await Deno.readFile(`${folder.path}/a.tar`));
  const bad = text.replaceAll("app:1", "APP:1");
  await Deno.writeFile(`${folder.path}/bad.tar`, Uint8Array.from(bad, (sign) => sign.charCodeAt(0)));
  const { stdout, stderr } = await mustRun({ root: `${folder.path}/other` }, "load", "-i", `${folder.path}/bad.tar`);
  assertMatch(stdout, /^Loaded image ID: sha256:/);
  assertStringIncludes(stderr, 'warning: Cannot read image reference "docker.io/library/APP:1"');
});

Deno.test("flags that would do nothing are refused", async () => {
  await using at = await place();
  const { root, folder } = at;
  await mustRun({ root }, "build", "-q", "-t", "app", `${folder.path}/src`);
  assertRefused(await runStrata({ root }, "build", "--format=json", `${folder.path}/src`), 2, "--format", "hint:");
  assertRefused(await runStrata({ root }, "image", "tree", "--format", "{{.ID}}", "app"), 2, "expected json");
  assertRefused(await runStrata({ root }, "system", "df", "-v", "--format", "{{.ID}}"), 2, "--verbose", "hint:");
  const usage = JSON.parse((await mustRun({ root }, "system", "df", "-v", "--format", "json")).stdout);
  const [image] = usage.Images;
  assertEquals([image.Repository, image.SharedSize, image.Size], ["app", "0B", image.UniqueSize]);
  assertEquals(usage.BuildCache.length, 1);
});

Deno.test("a mistyped group or command is answered with the nearest one", async () => {
  await using at = await place();
  const { root } = at;
  assertRefused(await runStrata({ root }, "imag", "ls"), 2, 'hint: Did you mean "strata image ls"?');
  assertRefused(await runStrata({ root }, "image", "lss"), 2, 'hint: Did you mean "strata image ls"?');
  assertRefused(await runStrata({ root }, "tag", "one"), 2, "got 1 argument, expected 2 arguments");
});

Deno.test("build says which output cannot be written and why", async () => {
  await using at = await place();
  const { root, folder } = at;
  const src = `${folder.path}/src`;
  const local = await runStrata({ root }, "build", "-o", `type=local,dest=${src}/a.txt`, src);
  assertRefused(local, 1, `Cannot write output "${src}/a.txt": it is no directory`);
  const iid = await runStrata({ root }, "build", "--iidfile", `${folder.path}/none/iid`, src);
  assertRefused(iid, 1, "its directory does not exist", "hint: Make the directory");
});

Deno.test("image prune refuses a wrong filter before it asks", async () => {
  await using at = await place();
  const { root } = at;
  assertRefused(await runStrata({ root }, "image", "prune", "--filter", "before=x"), 2, "unknown filter");
  assertRefused(await runStrata({ root }, "cache", "prune", "--filter", "label=x"), 2, "unknown filter");
});

Deno.test("build says when the build file is empty and when standard input is no context", async () => {
  await using at = await place();
  const { root } = at;
  assertRefused(await runStrata({ root, stdin: "" }, "build", "-"), 1, 'build file "-": it is empty', "hint:");
  const bytes = new Uint8Array(2000).fill(0xfe);
  assertRefused(await runStrata({ root, stdin: bytes }, "build", "-"), 2, "neither a tar nor the text of a build file");
});
