/** The command as a user runs it: every verb, its columns, messages and exit codes. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { isMissing } from "../helpers/require.ts";
import { mustRun, runStrata, type TempFolder, tempFolder } from "../helpers/strata.ts";

const dockerfile = `FROM scratch AS base
COPY a.txt /a.txt
FROM scratch
ARG WHO=world
LABEL who=$WHO
COPY --from=base /a.txt /data/
COPY b.txt /data/
CMD ["/data/a.txt"]
`;

interface Place {
  readonly folder: TempFolder;
  readonly root: string;
}

async function place(files: Record<string, string> = {}): Promise<Place & AsyncDisposable> {
  const folder = await tempFolder();
  await folder.write({ "src/Dockerfile": dockerfile, "src/a.txt": "a\n", "src/b.txt": "b\n", ...files });
  return { folder, root: `${folder.path}/root`, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function buildId({ folder, root }: Place, ...flags: string[]): Promise<string> {
  const { stdout } = await mustRun({ root }, "build", "-q", ...flags, `${folder.path}/src`);
  assertMatch(stdout, /^sha256:[0-9a-f]{64}\n$/);
  return stdout.trim();
}

Deno.test("build names, caches and reports; an unchanged build gives the same ID", async () => {
  await using at = await place();
  const { root } = at;
  const first = await mustRun({ root }, "build", "-t", "app:1", "-t", "app:2", `${at.folder.path}/src`);
  assertEquals(first.stdout, "");
  assertMatch(first.stderr, /#\d+ DONE \d+\.\ds/);
  assertMatch(first.stderr, /built sha256:[0-9a-f]{64} as app:1, app:2 \([a-z]+[-_][a-z]+\): 3 steps, 0 cached, in \d/);
  const again = await mustRun({ root }, "build", "-t", "app:1", `${at.folder.path}/src`);
  assertMatch(again.stderr, /3 steps, 3 cached/);
  assertEquals(first.stderr.match(/sha256:[0-9a-f]{64}/)?.[0], again.stderr.match(/sha256:[0-9a-f]{64}/)?.[0]);
});

Deno.test("build rebuilds only what changed and what depends on it", async () => {
  await using at = await place();
  const { root } = at;
  await buildId(at);
  await at.folder.write({ "src/b.txt": "changed\n" });
  const { stderr } = await mustRun({ root }, "build", "--progress=plain", `${at.folder.path}/src`);
  assertMatch(stderr, /3 steps, 2 cached/);
  const anew = await mustRun({ root }, "build", "--no-cache", `${at.folder.path}/src`);
  assertMatch(anew.stderr, /3 steps, 0 cached/);
  const stage = await mustRun({ root }, "build", "--no-cache-filter", "base", `${at.folder.path}/src`);
  assertMatch(stage.stderr, /3 steps, [12] cached/);
});

Deno.test("build writes the ID and the metadata, and takes the file from standard input", async () => {
  await using at = await place();
  const { root, folder } = at;
  const [iid, meta] = [`${folder.path}/iid`, `${folder.path}/meta.json`];
  const id = await buildId(at, "-t", "x", "--iidfile", iid, "--metadata-file", meta);
  assertEquals(await Deno.readTextFile(iid), id);
  const metadata = JSON.parse(await Deno.readTextFile(meta));
  assertEquals(metadata["containerimage.config.digest"], id);
  assertEquals(metadata["image.name"], "docker.io/library/x:latest");
  const { stdout } = await mustRun(
    { root, stdin: "FROM scratch\nCOPY a.txt /\n" },
    "build",
    "-q",
    "-f",
    "-",
    `${folder.path}/src`,
  );
  assertMatch(stdout, /^sha256:/);
});

Deno.test("build shows where a file is wrong, with a caret and a hint, and exits with 1", async () => {
  await using at = await place({ "src/bad.Dockerfile": "FROM scratch\nCOPPY a.txt /\n" });
  const { code, stderr } = await runStrata(
    { root: at.root },
    "build",
    "-f",
    `${at.folder.path}/src/bad.Dockerfile`,
    `${at.folder.path}/src`,
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "bad.Dockerfile:2:1");
  assertStringIncludes(stderr, " 2 | COPPY a.txt /");
  assertStringIncludes(stderr, "^^^^^");
  assertStringIncludes(stderr, "COPY");
  assert(!stderr.includes("    at "), stderr);
});

Deno.test("build shows the last lines, the exit code and the line of a command that failed", {
  ignore: isMissing("root", containerPeers.crun),
}, async () => {
  await using at = await place({ "src/Dockerfile": "FROM scratch\nCOPY a.txt /\nRUN echo hi\n" });
  const { code, stderr } = await runStrata({ root: at.root }, "build", `${at.folder.path}/src`);
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'Cannot run "/bin/sh -c echo hi": exit code 127');
  assertStringIncludes(stderr, "Dockerfile:3");
  assertStringIncludes(stderr, " 3 | RUN echo hi");
});

Deno.test("build --check reports rules, as text and as JSON, and exits with 1", async () => {
  await using at = await place({ "src/Dockerfile": "FROM scratch AS Base\nMAINTAINER me\n" });
  const text = await runStrata({ root: at.root }, "build", "--check", `${at.folder.path}/src`);
  assertEquals(text.code, 1);
  assertStringIncludes(text.stdout, "WARNING: StageNameCasing");
  assertStringIncludes(text.stdout, "Check complete, 2 warnings have been found!");
  const json = await runStrata({ root: at.root }, "build", "--check", "--format=json", `${at.folder.path}/src`);
  const { checks } = JSON.parse(json.stdout);
  assertEquals(checks.map((check: { rule: string }) => check.rule), ["StageNameCasing", "MaintainerDeprecated"]);
  assertEquals(checks[1].at.line, 2);
  const clean = await mustRun(
    { root: at.root, stdin: "FROM scratch\nCOPY a.txt /\n" },
    "build",
    "--check",
    "-f",
    "-",
    `${at.folder.path}/src`,
  );
  assertEquals(clean.stdout, "Check complete, no warnings found.\n");
});

Deno.test("build --print shows the graph and the outline and builds nothing", async () => {
  await using at = await place();
  const graph = JSON.parse(
    (await mustRun({ root: at.root }, "build", "--print=graph", `${at.folder.path}/src`)).stdout,
  );
  assertEquals(graph.nodes.filter((node: { type: string }) => node.type === "layer").length, 3);
  const outline = await mustRun({ root: at.root }, "build", "--print=outline", `${at.folder.path}/src`);
  assertMatch(outline.stdout, /BUILD ARG\s+VALUE\s+DESCRIPTION\nWHO\s+world/);
  assertEquals((await mustRun({ root: at.root }, "image", "ls", "-aq")).stdout, "");
});

Deno.test("build --print=outline shows control characters of the build file as escapes", async () => {
  await using at = await place({ "src/Dockerfile": "ARG WHO=\x1b[2J\nFROM scratch\nARG WHO\n" });
  const outline = await mustRun({ root: at.root }, "build", "--print=outline", `${at.folder.path}/src`);
  assertStringIncludes(outline.stdout, "WHO");
  assert(!outline.stdout.includes("\x1b"), outline.stdout);
});

Deno.test("image ls shows docker's columns, hides untagged images with a hint, and formats", async () => {
  await using at = await place();
  const { root } = at;
  const id = await buildId(at, "-t", "app:1");
  await at.folder.write({ "src/a.txt": "new\n" });
  const dangling = await buildId(at);
  const short = (digest: string): string => digest.slice(7, 19);
  const table = await mustRun({ root }, "image", "ls");
  assertMatch(
    table.stdout,
    /^REPOSITORY {3}TAG {7}IMAGE ID {7}CREATED {2,}SIZE\napp +1 +[0-9a-f]{12} +.* ago +\d+(\.\d+)?k?B\n$/,
  );
  assertEquals(table.stderr, "1 image without a tag is not shown, add --all to see them\n");
  assertEquals((await mustRun({ root }, "images", "-q")).stdout, `${short(id)}\n`);
  const all = await mustRun(
    { root },
    "image",
    "ls",
    "-a",
    "--no-trunc",
    "--format",
    "{{.ID}} {{.Repository}}:{{.Tag}}",
  );
  assertEquals(all.stdout.trim().split("\n").sort(), [`${dangling} <none>:<none>`, `${id} app:1`].sort());
  assertEquals(
    (await mustRun({ root }, "image", "ls", "-f", "dangling=true", "-q", "--no-trunc")).stdout,
    `${dangling}\n`,
  );
  assertEquals((await mustRun({ root }, "image", "ls", "app:*", "-q")).stdout, `${short(id)}\n`);
  assertEquals((await mustRun({ root }, "image", "ls", "nothing", "-q")).stdout, "");
  assertEquals((await mustRun({ root }, "image", "ls", "--filter", "label=who=world", "-q")).stdout, `${short(id)}\n`);
  assertMatch((await mustRun({ root }, "image", "ls", "--digests")).stdout, /DIGEST.*\n.*sha256:[0-9a-f]{64}/);
  const row = JSON.parse((await mustRun({ root }, "image", "ls", "--format", "json")).stdout);
  assertEquals([row.Repository, row.Tag, row.ID], ["app", "1", short(id)]);
  assertMatch(
    (await mustRun({ root }, "image", "ls", "--format", "table {{.Repository}}\\t{{.Alias}}")).stdout,
    /^REPOSITORY +ALIAS\napp +\w+/,
  );
});

Deno.test("an image without a name answers to its two-word name, its ID and the start of its ID", async () => {
  await using at = await place();
  const { root } = at;
  const id = await buildId(at);
  const alias = (await mustRun({ root }, "inspect", "-f", "{{.Alias}}", id)).stdout.trim();
  assertMatch(alias, /^[a-z]+[-_][a-z]+$/);
  for (const name of [alias, id.slice(7, 15), id]) {
    assertEquals((await mustRun({ root }, "inspect", "-f", "{{.Id}}", name)).stdout.trim(), id);
  }
  await mustRun({ root }, "tag", alias, "named:1");
  assertEquals((await mustRun({ root }, "image", "ls", "-q")).stdout, `${id.slice(7, 19)}\n`);
});

Deno.test("image rm untags, then deletes; several at once; unknown ones are told and the rest goes on", async () => {
  await using at = await place();
  const { root } = at;
  const id = await buildId(at, "-t", "app:1", "-t", "other/app:2");
  const conflict = await runStrata({ root }, "rmi", id);
  assertEquals(conflict.code, 1);
  assertStringIncludes(conflict.stderr, "(must be forced) - image is referenced in multiple repositories");
  const one = await mustRun({ root }, "rmi", "app:1");
  assertEquals(one.stdout, "Untagged: app:1\n");
  const rest = await runStrata({ root }, "image", "rm", "nope", "other/app:2");
  assertEquals(rest.code, 1);
  assertStringIncludes(rest.stderr, "nope");
  const lines = rest.stdout.trim().split("\n");
  assertEquals(lines.slice(0, 2), ["Untagged: other/app:2", `Deleted: ${id}`]);
  assertEquals((await mustRun({ root }, "image", "ls", "-aq")).stdout, "");
  assertEquals((await runStrata({ root }, "rmi", "-f", "nope")).code, 0);
});

Deno.test("image prune refuses without a terminal, shows a dry run, and removes only untagged images", async () => {
  await using at = await place();
  const { root } = at;
  const kept = await buildId(at, "-t", "app");
  await at.folder.write({ "src/a.txt": "new\n" });
  const dangling = await buildId(at);
  const refused = await runStrata({ root }, "image", "prune");
  assertEquals([refused.code, refused.stdout], [2, ""]);
  assertStringIncludes(refused.stderr, "--force");
  const dry = await mustRun({ root }, "image", "prune", "--dry-run");
  assertStringIncludes(dry.stdout, `deleted: ${dangling}`);
  const real = await mustRun({ root }, "image", "prune", "-f");
  assertMatch(
    real.stdout,
    new RegExp(`^Deleted Images:\n(?:.*\n)*deleted: ${dangling}\n(?:.*\n)*\nTotal reclaimed space: [1-9].*B\n$`),
  );
  assertEquals((await mustRun({ root }, "image", "ls", "-aq", "--no-trunc")).stdout, `${kept}\n`);
  assertEquals((await mustRun({ root }, "image", "prune", "-f")).stdout, "Total reclaimed space: 0B\n");
  const all = await mustRun({ root }, "image", "prune", "-af");
  assertStringIncludes(all.stdout, "untagged: app:latest");
});

Deno.test("image history shows each layer with its time and size", async () => {
  await using at = await place();
  const { root } = at;
  await buildId(at, "-t", "app");
  const { stdout } = await mustRun({ root }, "history", "app");
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0] ?? "", /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT$/);
  assertMatch(lines[1] ?? "", /^[0-9a-f]{12} +.* ago +CMD \["\/data\/a\.txt"\] +0B +strata\.dockerfile\.v0$/);
  assertMatch(lines[2] ?? "", /^<missing> +.* ago +COPY b\.txt \/data\/ +[1-9]\S* +strata/);
  const exact = await mustRun(
    { root },
    "image",
    "history",
    "--human=false",
    "--no-trunc",
    "--format",
    "{{.CreatedAt}} {{.Size}}",
    "app",
  );
  assertMatch(exact.stdout.split("\n")[1] ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [1-9]\d*$/);
  assertEquals((await mustRun({ root }, "history", "-q", "app")).stdout.split("\n")[1], "<missing>");
});

Deno.test("image inspect shows docker's members, goes on after an unknown image, and formats", async () => {
  await using at = await place();
  const { root } = at;
  const id = await buildId(at, "-t", "app", "--label", "extra=1");
  const { stdout, stderr, code } = await runStrata({ root }, "inspect", "app", "nope");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "nope");
  const [image] = JSON.parse(stdout);
  assertEquals([image.Id, image.RepoTags, image.Os], [id, ["app:latest"], "linux"]);
  assertEquals(image.Config.Labels, { extra: "1", who: "world" });
  assertEquals(image.RootFS.Layers.length, 2);
  assertEquals((await mustRun({ root }, "inspect", "-f", "{{json .Config.Cmd}}", "app")).stdout, '["/data/a.txt"]\n');
  assertEquals((await runStrata({ root }, "inspect", "nope")).stdout, "[]\n");
});

Deno.test("tag and untag move names", async () => {
  await using at = await place();
  const { root } = at;
  const first = await buildId(at, "-t", "a");
  await mustRun({ root }, "tag", "a", "reg.example.com:5000/team/b:2");
  assertEquals(
    (await mustRun({ root }, "inspect", "-f", "{{.Id}}", "reg.example.com:5000/team/b:2")).stdout.trim(),
    first,
  );
  assertEquals((await mustRun({ root }, "untag", "a")).stdout, "Untagged: a:latest\n");
  const bad = await runStrata({ root }, "tag", "reg.example.com:5000/team/b:2", "Upper/Case");
  assertEquals(bad.code, 2);
  assertStringIncludes(bad.stderr, "lower-case");
});

Deno.test("save and load keep the image ID, names and compressed input", async () => {
  await using at = await place();
  const { root, folder } = at;
  const id = await buildId(at, "-t", "app:1");
  for (const format of ["docker-archive", "oci-archive", "oci"]) {
    const output = `${folder.path}/out-${format}`;
    await mustRun({ root }, "save", "--format", format, "-o", output, "app:1");
    const other = `${folder.path}/root-${format}`;
    const loaded = await mustRun({ root: other }, "load", "-i", output);
    assertEquals(loaded.stdout, "Loaded image: app:1\n");
    assertEquals((await mustRun({ root: other }, "images", "-q", "--no-trunc")).stdout, `${id}\n`);
  }
  const archive = await Deno.readFile(`${folder.path}/out-docker-archive`);
  const gzip = new Uint8Array(
    await new Response(new Blob([archive]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );
  assertEquals((await mustRun({ root: `${folder.path}/gz`, stdin: gzip }, "load")).stdout, "Loaded image: app:1\n");
});

Deno.test("image diff and image tree look into layers", async () => {
  await using at = await place();
  const { root } = at;
  await buildId(at, "-t", "one");
  await at.folder.write({ "src/b.txt": "longer text\n" });
  await buildId(at, "-t", "two");
  const diff = await mustRun({ root }, "image", "diff", "one", "two");
  assertEquals(diff.stdout, "C /data/b.txt  (+10B)\n");
  assertEquals(diff.stderr, "0 added, 1 changed, 0 deleted, +10B\n");
  const tree = await mustRun({ root }, "image", "tree", "two");
  assertStringIncludes(tree.stdout, "/data/a.txt");
  assertMatch(tree.stdout, /2 layers, 14B, 0B hidden \(100\.0% efficient\)\n$/);
});

Deno.test("system df, cache and system reset account for everything", async () => {
  await using at = await place();
  const { root } = at;
  await buildId(at, "-t", "app");
  const df = await mustRun({ root }, "system", "df");
  assertMatch(df.stdout, /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +1 +1 +\S+ +0B.*\nBuild Cache +3 +2 /);
  assertMatch((await mustRun({ root }, "system", "df", "-v")).stdout, /REPOSITORY.*UNIQUE SIZE\napp +latest/);
  assertEquals((await mustRun({ root }, "cache", "ls", "-q")).stdout.trim().split("\n").length, 3);
  assertMatch((await mustRun({ root }, "cache", "prune", "-f")).stdout, /Total reclaimed space: /);
  assertEquals((await mustRun({ root }, "cache", "ls", "-q")).stdout.trim().split("\n").length, 2);
  assertMatch((await mustRun({ root }, "system", "reset", "-f")).stdout, /^Removed 1 images and \d+ cache records\n/);
  assertEquals((await mustRun({ root }, "image", "ls", "-aq")).stdout, "");
});

Deno.test("import makes an image of a tar", async () => {
  await using at = await place();
  const { root, folder } = at;
  await buildId(at, "-t", "app");
  await mustRun({ root }, "build", "-q", "-o", `type=tar,dest=${folder.path}/files.tar`, `${folder.path}/src`);
  const imported = await mustRun(
    { root },
    "import",
    "-c",
    'CMD ["x"]',
    "-m",
    "from a tar",
    `${folder.path}/files.tar`,
    "imported:1",
  );
  assertMatch(imported.stdout, /^sha256:[0-9a-f]{64}\n$/);
  assertEquals((await mustRun({ root }, "inspect", "-f", "{{json .Config.Cmd}}", "imported:1")).stdout, '["x"]\n');
  const diff = await mustRun({ root }, "image", "diff", "app", "imported:1");
  assertEquals(diff.stdout, "");
});

Deno.test("wrong use exits with 2 and says what is known", async () => {
  await using at = await place();
  const { root } = at;
  const table: [string[], string, string][] = [
    [["biuld", "."], 'Cannot run "strata biuld": no such command', 'Did you mean "strata build"?'],
    [["image", "lss"], 'Cannot run "strata image lss"', "Did you mean"],
    [["build", "--tga", "x", "."], 'Cannot use flag "--tga"', "Did you mean --tag?"],
    [["build"], "got 0 arguments, expected 1 argument", "Usage: strata build"],
    [["images", "--filter", "foo=bar"], "foo", ""],
    [["images", "--format", "{{.Nope}}"], "no field Nope", ""],
    [["build", "--platform", "x/y/z/w", "."], "Cannot read platform", ""],
    [["build", "-t", "UPPER", "."], "lower-case", ""],
    [["build", "-o", "type=floppy,dest=x", "."], "floppy", ""],
    [["image", "history", "a", "b"], "got 2 arguments", ""],
  ];
  await buildId(at, "-t", "app");
  for (const [args, message, hint] of table) {
    const { code, stdout, stderr } = await runStrata({ root, cwd: `${at.folder.path}/src` }, ...args);
    assertEquals([code, stdout], [2, ""], `${args.join(" ")}: ${stderr}`);
    assertStringIncludes(stderr, message);
    assertStringIncludes(stderr, hint);
  }
});

Deno.test("help, version and info answer without arguments", async () => {
  await using at = await place();
  const { root } = at;
  assertStringIncludes((await mustRun({ root })).stdout, "Commands:");
  assertStringIncludes(
    (await mustRun({ root }, "help", "image", "ls")).stdout,
    "Aliases:\n  strata image ls, strata images",
  );
  assertStringIncludes((await mustRun({ root }, "image")).stdout, "strata image COMMAND");
  assertStringIncludes((await mustRun({ root }, "rmi", "--help")).stdout, "--no-prune");
  assertStringIncludes((await mustRun({ root }, "info")).stdout, `Store: ${root} (local)`);
});
