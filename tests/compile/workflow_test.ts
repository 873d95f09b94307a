/** The workflows are YAML, use actions that cannot change, and make what the compile task makes. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "npm:deno-std@1.4.0/yaml/mod.js";
import { targets } from "./targets.ts";

const root = new URL("../../", import.meta.url);

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly steps: readonly Step[];
  readonly strategy?: {
    readonly matrix: { readonly include: readonly { readonly target: string; readonly file: string }[] };
  };
}

interface Workflow {
  readonly env?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

async function readWorkflow(name: string): Promise<Workflow> {
  return parse(await Deno.readTextFile(new URL(`.github/workflows/${name}`, root))) as Workflow;
}

function commands({ steps }: Job): string {
  return steps.map(({ run = "" }) => run).join("\n");
}

Deno.test("the release is made of the targets of the compile task, each started where it is for", async () => {
  const { jobs } = await readWorkflow("release.yml");
  const expected = targets.map(({ name, file }) => [name, file]);
  for (const job of [jobs.build, jobs.start]) {
    assertEquals(job?.strategy?.matrix.include.map(({ target, file }) => [target, file]), expected);
  }
  const { build, e2e, publish } = jobs;
  assert(build !== undefined && e2e !== undefined && publish !== undefined);
  assertMatch(
    commands(build),
    /deno task compile --target \$\{\{ matrix\.target \}\} --output \$\{\{ matrix\.file \}\}/,
  );
  assertMatch(commands(e2e), /^STRATA_BINARY="\$PWD\/dist\/strata-linux-x64" \.ci\/run$/m);
  assertMatch(commands(publish), /sha256sum strata-\*.*\n.*gh release create/);
  assertEquals(publish.needs, ["build", "start", "e2e"]);
});

Deno.test("every action is pinned to a commit, and everything is done by one Deno", async () => {
  for await (const { name } of Deno.readDir(new URL(".github/workflows/", root))) {
    const { env, jobs } = await readWorkflow(name);
    for (const { uses } of Object.values(jobs).flatMap(({ steps }) => steps)) {
      if (uses !== undefined) assertMatch(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/, name);
    }
    const script = await Deno.readTextFile(new URL(".ci/run", root));
    if (env !== undefined) assertEquals(env.DENO_VERSION, /^version=(.+)$/m.exec(script)?.[1], name);
  }
});

Deno.test("each push is tested by the script that anybody can run", async () => {
  const { jobs } = await readWorkflow("ci.yml");
  assertMatch(Object.values(jobs).map(commands).join("\n"), /^\.ci\/run$/m);
});
