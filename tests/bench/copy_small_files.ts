import { join } from "@std/path";
import type { BenchResult } from "./main.ts";
import { type Contender, measure } from "./measure.ts";
import { emptyScript, has, prepare, strata } from "./place.ts";
import { startDockerd } from "../helpers/dockerd.ts";

const files = 20_000;
const fileBytes = 4096;

/** A tree of 20,000 files of 4 KiB in 200 folders, with a Dockerfile beside it. Contents differ. */
async function makeTree(folder: string): Promise<void> {
  for (let i = 0; i < files; i++) {
    const below = join(folder, "tree", `d${i % 200}`);
    if (i < 200) await Deno.mkdir(below, { recursive: true });
    const bytes = new Uint8Array(fileBytes).fill(i % 251);
    new DataView(bytes.buffer).setUint32(0, i);
    Deno.writeFileSync(join(below, `f${i}.bin`), bytes);
  }
  await Deno.writeTextFile(join(folder, "Dockerfile"), "FROM scratch\nCOPY tree /tree\n");
}

/** COPY of many small files, and the same build again. */
export async function* copySmallFiles(runs: number): AsyncGenerator<BenchResult> {
  const folder = await Deno.makeTempDir();
  try {
    await makeTree(folder);
    const tree = join(folder, "tree");
    const root = join(folder, "root");
    const build = strata("--root", root, "build", "-q", "-t", "bench", folder);
    const cold: Contender[] = [
      { name: "tar cf - . \\| sha256sum", command: ["sh", "-c", "tar cf - . | sha256sum"], cwd: tree },
      { name: "strata build, nothing cached", command: build, prepare: () => remove(root) },
      { name: "strata build --no-cache", command: [...build, "--no-cache"] },
    ];
    const empty = await emptyScript(folder);
    const warm: Contender[] = [
      {
        name: "find . -printf + empty Deno script",
        command: ["sh", "-c", `find . -printf '%p %s %T@\\n' >/dev/null; ${empty.join(" ")}`],
        cwd: tree,
      },
      { name: "strata build, unchanged", command: build, prepare: () => Promise.resolve() },
    ];
    await using peers = await openPeers(folder);
    const small = Math.min(runs, 3);
    yield { title: "COPY of 20,000 files of 4 KiB", measurements: await measure(cold, runs) };
    await prepare(build);
    // Files are trusted without reading once they are older than two seconds.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await prepare(build);
    yield { title: "The same build, unchanged", measurements: await measure(warm, runs) };
    if (peers.cold.length > 0) {
      yield {
        title: "COPY of 20,000 files: peers",
        measurements: await measure([...cold.slice(1, 2), ...peers.cold], small),
      };
      yield {
        title: "Unchanged: peers",
        measurements: await measure([...warm.slice(1), ...peers.warm], small),
      };
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Peers extends AsyncDisposable {
  readonly cold: readonly Contender[];
  readonly warm: readonly Contender[];
}

async function openPeers(folder: string): Promise<Peers> {
  const cold: Contender[] = [];
  const warm: Contender[] = [];
  const disposers: (() => Promise<void>)[] = [];
  if (Deno.uid() === 0 && has("buildah")) {
    const storage = [
      "--root",
      join(folder, "buildah"),
      "--runroot",
      join(folder, "buildah-run"),
      "--storage-driver",
      "overlay",
    ];
    const bud = ["buildah", ...storage, "bud", "--isolation", "chroot", "--layers", "-q", "-t", "bench"];
    cold.push({ name: "buildah bud --no-cache (overlay)", command: [...bud, "--no-cache", folder] });
    warm.push({ name: "buildah bud, unchanged", command: [...bud, folder] });
  }
  if (Deno.uid() === 0 && has("dockerd")) {
    const dockerd = await startDockerd("overlay2");
    disposers.push(async () => await dockerd[Symbol.asyncDispose]());
    const env = { DOCKER_BUILDKIT: "0", DOCKER_HOST: dockerd.host };
    const build = ["docker", "build", "-q", "-t", "bench"];
    cold.push({ name: "docker build --no-cache (classic)", command: [...build, "--no-cache", folder], env });
    warm.push({ name: "docker build, unchanged", command: [...build, folder], env });
  }
  return {
    cold,
    warm,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const dispose of disposers) await dispose();
    },
  };
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
