/** Checks what a binary is made of where none can be made: it is compiled behind this Deno, read back, and run as a stand-in. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { compileProgram, v8Flags } from "./compile.ts";
import { type Embedded, readEmbedded } from "./embedded.ts";
import { commitFile, type Staged } from "./stage.ts";
import { writeStandIn } from "./stand_in.ts";

/** What was found right, one sentence each. */
export type Findings = readonly string[];

/**
 * Compiles the staged program behind this Deno and looks whether everything is inside; leaves a stand-in in `folder`, whose script is
 * `strata`. Rejects when something is wrong.
 */
export async function checkContents(staged: Staged, folder: string): Promise<Findings> {
  const output = join(folder, "compiled");
  const compiled = await compileProgram(staged, { output, runtime: Deno.realPathSync(Deno.execPath()) });
  if (compiled.type !== "made") {
    throw new TypeError(compiled.type === "failed" ? compiled.output.trim() : compiled.reason);
  }
  const embedded = readEmbedded(await Deno.readFile(output));
  await Deno.remove(output);
  await compareFiles(embedded, staged);
  comparePackages(embedded, staged);
  compareMetadata(embedded);
  await writeStandIn(embedded, folder, await Deno.readTextFile(join(staged.folder, "deno.lock")));
  return [
    `types are right, and ${staged.files.length} modules are inside, as they are here, ${staged.workers.length} of them threads`,
    `packages of npm inside: ${staged.packages.join(", ")}`,
    "permissions, unstable features and flags are those that it needs",
  ];
}

async function compareFiles({ files }: Embedded, staged: Staged): Promise<void> {
  const own = [...files.keys()].filter((path) => !path.startsWith("."));
  assertEquals(own.sort(), [...staged.files, commitFile].sort());
  for (const path of own) assertEquals(files.get(path), await Deno.readFile(join(staged.folder, path)), path);
}

function comparePackages({ files }: Embedded, { packages }: Staged): void {
  const found = new Set<string>();
  for (const path of files.keys()) {
    const [, name, version] = /^\.deno_compile_node_modules\/[^/]+\/((?:@[^/]+\/)?[^/]+)\/([^/]+)\//.exec(path) ?? [];
    if (name !== undefined) found.add(`${name}@${version}`);
  }
  assertEquals([...found].sort(), packages);
}

function compareMetadata({ metadata }: Embedded): void {
  assertEquals(metadata.entrypoint_key, "cli.ts");
  const { prompt, ...kinds } = metadata.permissions;
  assertEquals(prompt, false);
  const allowed = Object.entries(kinds).filter(([kind]) => kind.startsWith("allow_"));
  assertEquals(allowed.filter(([, of]) => !Array.isArray(of) || of.length > 0), [], "it may do everything");
  assertEquals([...metadata.unstable_config.features].sort(), [
    "lazy-dynamic-imports",
    "no-legacy-abort",
    "worker-options",
  ]);
  for (const flag of v8Flags) assert(metadata.v8_flags.includes(flag), `it has no flag ${flag}`);
}

/** A run of the command that is to be checked. */
export type Run = (
  args: readonly string[],
  options?: { readonly stdin?: Uint8Array<ArrayBuffer>; readonly env?: Readonly<Record<string, string>> },
) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

/** How to run a program with a store of its own. */
export function runner(program: string, root: string): Run {
  return async (args, { stdin, env } = {}) => {
    const child = new Deno.Command(program, {
      args: [...args],
      env: { NO_COLOR: "1", STRATA_ROOT: root, ...env },
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.output();
    if (stdin !== undefined) await new Blob([stdin]).stream().pipeTo(child.stdin);
    const { code, stdout, stderr } = await output;
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  };
}

/** Uses a program in the ways that depend on what is inside it. Rejects when one does not work. */
export async function checkUse(run: Run, folder: string, commit: string): Promise<Findings> {
  const must = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(args);
    assertEquals(code, 0, `strata ${args.join(" ")}:\n${stderr}`);
    return stdout;
  };
  assertStringIncludes(await must("--version"), commit);
  await must("help");
  await buildLarge(must, folder);
  await buildFromXz(run);
  const kinds = await runPlugins(run, folder);
  return [
    "an image was built, its layer read and compressed in threads, saved, loaded and pushed to a folder",
    "a context in an xz archive was read, which takes a package of npm",
    `a plugin ran and was kept to its permissions in each kind of sandbox: ${kinds.join(", ")}`,
  ];
}

async function buildLarge(must: (...args: readonly string[]) => Promise<string>, folder: string): Promise<void> {
  const context = join(folder, "context");
  await Deno.mkdir(context);
  await Deno.writeTextFile(join(context, "Dockerfile"), "FROM scratch\nCOPY large /large\n");
  await Deno.writeFile(join(context, "large"), new Uint8Array(5 << 20).fill(7));
  await must("build", "-t", "checked", context);
  await must("save", "-o", join(folder, "saved.tar"), "checked");
  await must("copy", "--compression", "gzip", "checked", `oci:${folder}/layout:checked`);
  await must("copy", "--compression", "zstd", "checked", `oci:${folder}/layout:small`);
  await must("image", "rm", "-f", "checked");
  await must("load", "-i", join(folder, "saved.tar"));
  assertStringIncludes(await must("image", "tree", "checked"), "/large");
  await must("copy", `oci:${folder}/layout:small`, "small");
  assertStringIncludes(await must("image", "tree", "small"), "/large");
}

/** A tar of `Dockerfile` (`FROM scratch`, `COPY a /a`) and `a`, compressed by xz. */
const xzContext =
  "/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4Cf/AJBdACIbyGbcCWThplxBwkI3RQOJbBbt0m0mJOVVQMwDNVw9iskSpfZvxnig/EPqkf61Y" +
  "h2XLHAgEZLZ7g5vCgoFRtAEyRMrLJDqK+AUY7n/nDm5e1EJAr4uty6x4qNzE8DlSdpDhBEBswzsAHBUq4L8U1xDtrcZeLTaq0wbbiltR5svOp01FenR/4TAwYpZPXbQAADlXX" +
  "VTAAGoAYBQAABl9p+KPjANiwIAAAAAAVla";

async function buildFromXz(run: Run): Promise<void> {
  const { code, stderr } = await run(["build", "-t", "unpacked", "-"], { stdin: Uint8Array.fromBase64(xzContext) });
  assertEquals(code, 0, stderr);
}

/** A build file format whose files name a file that is read when the plugin may. */
const plugin = `
export const permissions = {};
export default ({ kit }) => ({
  name: "reads",
  api: 1,
  parse: [{
    format: "reads",
    matches: (file) => file.path.endsWith(".reads"),
    async parse(file, { platform }) {
      const Labels = { text: (await Deno.readTextFile(file.text.trim())).trim() };
      return { nodes: [{ type: "scratch" }], result: 0, platform, config: { Labels }, history: [] };
    },
    outline: () => Promise.resolve({ target: "", stages: [], args: [], secrets: [], ssh: [], cacheMounts: [], checks: [] }),
  }],
});
`;

async function runPlugins(run: Run, folder: string): Promise<string[]> {
  const given = join(folder, "given");
  await Deno.mkdir(given);
  await Deno.writeTextFile(join(given, "file"), "seen\n");
  await Deno.writeTextFile(join(folder, "hidden"), "secret\n");
  await Deno.writeTextFile(join(folder, "reads.js"), plugin);
  const hasBubblewrap = Deno.build.os === "linux" &&
    (await new Deno.Command("sh", { args: ["-c", "command -v bwrap"], stdout: "null" }).output()).success;
  const kinds = ["worker", "process", ...(hasBubblewrap ? ["bubblewrap"] : [])];
  for (const kind of kinds) {
    const env = { STRATA_CONFIG: join(folder, `${kind}.json`) };
    await Deno.writeTextFile(env.STRATA_CONFIG, JSON.stringify({ pluginSandbox: kind }));
    const added = await run(["plugins", "add", "--yes", `--allow-read=${given}`, join(folder, "reads.js")], { env });
    assertEquals(added.code, 0, `${kind}: ${added.stderr}`);
    const build = async (path: string): ReturnType<Run> => {
      await Deno.writeTextFile(join(folder, "a.reads"), path);
      return await run(["build", "-t", "labeled", "-f", join(folder, "a.reads"), join(folder, "context")], { env });
    };
    const allowed = await build(join(given, "file"));
    assertEquals(allowed.code, 0, `${kind}: ${allowed.stderr}`);
    const labels = await run(["inspect", "-f", "{{json .Config.Labels}}", "labeled"], { env });
    assertEquals(labels.stdout.trim(), '{"text":"seen"}', kind);
    const refused = await build(join(folder, "hidden"));
    assertEquals(refused.code, 1, kind);
    assertMatch(refused.stderr, /it tried read/, kind);
  }
  return kinds;
}
