/** Commands that are killed at random moments: what has a name is whole, the next command works, and prune leaves nothing. */
import { assert, assertEquals } from "@std/assert";
import { checkStore, checkSwept } from "../helpers/check_store.ts";
import { mustRun, type TempFolder, tempFolder } from "../helpers/strata.ts";
import { afterMoment, seeded, startStrata } from "../helpers/strata_process.ts";

/** A store with an image that was built there, and one more in an archive. */
interface Place extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly root: string;
  readonly archive: string;
  /** Temporary directory of the commands. */
  readonly temp: string;
}

const stages = Array.from({ length: 5 }, (_, i) => `COPY ${i} /data/${i}`);

async function place(): Promise<Place> {
  const folder = await tempFolder();
  const root = `${folder.path}/root`;
  const files = stages.map((_, i) => [`src/${i}`, new Uint8Array(700_000 + i).fill(i + 65)] as const);
  await folder.write({
    "src/Dockerfile": ["FROM scratch", "ARG LABEL", ...stages, "LABEL label=$LABEL"].join("\n"),
    "tmp/keep": "",
    ...Object.fromEntries(files),
  });
  const archive = `${folder.path}/loaded.tar`;
  const other = `${folder.path}/other`;
  await mustRun({ root: other }, "build", "-q", "-t", "loaded:1", "--build-arg=LABEL=loaded", `${folder.path}/src`);
  await mustRun({ root: other }, "save", "-o", archive, "loaded:1");
  await mustRun({ root }, "build", "-q", "-t", "kept:1", `${folder.path}/src`);
  return {
    folder,
    root,
    archive,
    temp: `${folder.path}/tmp`,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Starts a command and kills it after a random part of the time that it takes. */
async function killOnce(at: Place, args: readonly string[], moment: number): Promise<void> {
  await using process = startStrata({ root: at.root, env: { TMPDIR: at.temp } }, ...args);
  await Promise.race([afterMoment(moment), process.ended()]);
  process.signal("SIGKILL");
}

/** What is killed: the command, and what makes it have something to do. */
const victims: readonly {
  readonly name: string;
  readonly args: (at: Place, round: number) => readonly string[];
  readonly before?: (at: Place) => Promise<void>;
}[] = [
  {
    name: "build",
    args: ({ folder }, round) => ["build", "--no-cache", "-t", `built:${round}`, "-t", "kept:1", `${folder.path}/src`],
  },
  { name: "load", args: ({ archive }) => ["load", "-i", archive] },
  {
    name: "image rm",
    args: () => ["image", "rm", "-f", "loaded:1"],
    before: async ({ root, archive }) => void await mustRun({ root }, "load", "-i", archive),
  },
  {
    name: "image prune",
    args: () => ["image", "prune", "-f"],
    before: async ({ root, folder }) => {
      const label = `--build-arg=LABEL=${crypto.randomUUID()}`;
      await mustRun({ root }, "build", "-q", "--no-cache", label, `${folder.path}/src`);
    },
  },
  {
    name: "cache prune",
    args: () => ["cache", "prune", "-f"],
    before: async ({ root, folder }) => void await mustRun({ root }, "build", "-q", "--no-cache", `${folder.path}/src`),
  },
];

const rounds = 7;
/** Longer than any of the commands takes on a slow machine would make most kills miss. */
const longestMs = 450;

for (const [seed, victim] of victims.entries()) {
  Deno.test(`${victim.name} damages nothing when it is killed at any moment`, async () => {
    await using at = await place();
    const random = seeded(seed + 1);
    for (let round = 0; round < rounds; round++) {
      await victim.before?.(at);
      await killOnce(at, victim.args(at, round), random() * longestMs);
      if (round % 3 === 2) await checkStore(at.root);
    }
    const names = await checkStore(at.root);
    assert(names.includes("kept:1"), names.join());
    await checkAfter(at);
  });
}

/** The store works as if nothing had been, and prune takes all that is left. */
async function checkAfter(at: Place): Promise<void> {
  const { root } = at;
  const id = (await mustRun({ root }, "build", "-q", "-t", "after:1", `${at.folder.path}/src`)).stdout.trim();
  const out = `${at.folder.path}/out`;
  await mustRun({ root }, "build", "-q", "-o", `type=local,dest=${out}`, `${at.folder.path}/src`);
  for (const i of stages.keys()) {
    assertEquals(await Deno.readFile(`${out}/data/${i}`), await Deno.readFile(`${at.folder.path}/src/${i}`));
  }
  const inspected = JSON.parse((await mustRun({ root }, "inspect", "after:1")).stdout);
  assertEquals(inspected[0].Id, id);
  await mustRun({ root }, "load", "-i", at.archive);
  await checkStore(root);
  await mustRun({ root }, "image", "prune", "-af");
  await mustRun({ root }, "cache", "prune", "-af");
  checkSwept(root);
  assertEquals([...Deno.readDirSync(`${root}/blobs/sha256`)], []);
  assertEquals([...Deno.readDirSync(at.temp)].map(({ name }) => name), ["keep"]);
}
