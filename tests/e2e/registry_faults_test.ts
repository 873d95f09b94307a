/** Pulls that are cut, killed or lied to, and logins, by the command line against a registry in this process. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NamePrefix } from "../../core/store/names.ts";
import { corruptAt, cutAfter, silentAfter } from "../helpers/registry_fault.ts";
import { type RegistryServer, type RegistryServerOptions, startRegistryServer } from "../helpers/registry_server.ts";
import { openAt } from "../helpers/local_place.ts";
import { mustRun, runStrata, type StrataOptions, type TempFolder, tempFolder } from "../helpers/strata.ts";
import { afterMoment, startStrata } from "../helpers/strata_process.ts";

const megabyte = 1 << 20;

interface Bench extends AsyncDisposable {
  readonly server: RegistryServer;
  readonly folder: TempFolder;
  readonly strata: StrataOptions;
  /** A name in the registry that holds an image with one layer of some 12 MB. */
  readonly name: string;
}

async function openBench(options: RegistryServerOptions = {}): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(startRegistryServer());
  const asked = stack.use(startRegistryServer({ ...options, content: server.content }));
  const folder = stack.use(await tempFolder());
  const env = { DOCKER_CONFIG: `${folder.path}/docker`, XDG_RUNTIME_DIR: `${folder.path}/run`, DOCKER_AUTH_CONFIG: "" };
  const noise = crypto.getRandomValues(new Uint8Array(65536));
  const large = new Uint8Array(12 * megabyte).map((_, at) => (noise[at % 65536] ?? 0) ^ (at >> 16));
  await folder.write({ "src/Dockerfile": "FROM scratch\nCOPY large /large\n", "src/large": large });
  const maker = { root: `${folder.path}/maker`, env };
  await mustRun(maker, "build", "-q", "-t", `${server.host}/team/app`, `${folder.path}/src`);
  await mustRun(maker, "push", "-q", "--compression=none", `${server.host}/team/app`);
  const held = stack.move();
  return {
    server: asked,
    folder,
    strata: { root: `${folder.path}/root`, env },
    name: `${asked.host}/team/app:latest`,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Path of the layer in the registry. */
function layerPath({ server }: Bench): RegExp {
  const { blobs } = server.content.repository("team/app");
  const [digest = ""] = [...blobs].find(([, bytes]) => bytes.length > megabyte) ?? [];
  return new RegExp(`/blobs/${digest}$`);
}

/** Range headers of the requests for the layer. */
function rangesOf(bench: Bench): (string | null)[] {
  const path = layerPath(bench);
  return bench.server.requests.filter((each) => each.method === "GET" && path.test(each.path))
    .map(({ headers }) => headers.get("range"));
}

async function namesIn({ root }: StrataOptions): Promise<string[]> {
  const call = { signal: new AbortController().signal, emit: () => {} };
  await using store = await openAt(root);
  return (await Array.fromAsync(store.names(NamePrefix.reference, call))).map(({ name }) => name);
}

/** Waits until files that are being written hold so many bytes. */
async function untilWritten({ root }: StrataOptions, bytes: number): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    try {
      for (const { name } of Deno.readDirSync(`${root}/tmp`)) {
        if (Deno.statSync(`${root}/tmp/${name}`).size >= bytes) return;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await afterMoment(20);
  }
  throw new Deno.errors.TimedOut("nothing was written");
}

Deno.test("a pull that was killed goes on where it was", async () => {
  await using bench = await openBench();
  const { strata, server, name } = bench;
  server.inject({ path: layerPath(bench) }, silentAfter(8 * megabyte));
  {
    await using pulling = startStrata(strata, "pull", name);
    await untilWritten(strata, 6 * megabyte);
    pulling.signal("SIGKILL");
    await pulling.ended();
  }
  assertEquals(await namesIn(strata), []);
  await mustRun(strata, "pull", name);
  const [first, second] = rangesOf(bench);
  assertEquals(first, null);
  const from = Number(/^bytes=(\d+)-/.exec(second ?? "")?.[1]);
  assert(from >= 6 * megabyte, `it began again at ${second}`);
  assertEquals(await namesIn(strata), [`ref/${name}`]);
  assertEquals((await mustRun(strata, "image", "tree", name)).stdout.includes("/large"), true);
});

Deno.test("a pull whose connection breaks goes on by itself", async () => {
  await using bench = await openBench();
  const { strata, server, name } = bench;
  server.inject({ path: layerPath(bench) }, cutAfter(5 * megabyte));
  await mustRun(strata, "pull", name);
  assert(rangesOf(bench).length > 1);
  assertEquals(await namesIn(strata), [`ref/${name}`]);
});

Deno.test("a pull of wrong bytes fails, shows nothing, and leaves nothing to go on from", async () => {
  await using bench = await openBench();
  const { strata, server, name } = bench;
  server.inject({ path: layerPath(bench), times: 1 }, corruptAt(7 * megabyte));
  const failed = await runStrata(strata, "pull", name);
  assertEquals([failed.code, await namesIn(strata)], [1, []]);
  assertStringIncludes(failed.stderr, "digest");
  await mustRun(strata, "pull", name);
  assertEquals(rangesOf(bench), [null, null]);
});

for (const login of ["basic", "bearer"] as const) {
  Deno.test(`login by ${login} opens what is closed, logout closes it again`, async () => {
    const users = { ann: "right" };
    const desk = login === "basic" ? { type: login, users } : { type: login, users, isPublic: false };
    await using bench = await openBench({ login: desk });
    const { strata, name, server: { host }, folder } = bench;
    const refused = await runStrata(strata, "pull", name);
    assertEquals(refused.code, 1);
    const log = (password: string): ReturnType<typeof runStrata> =>
      runStrata({ ...strata, stdin: password }, "login", "-u", "ann", "--password-stdin", host);
    const wrong = await log("wrong");
    assertEquals([wrong.code, wrong.stdout], [1, ""]);
    const right = await log("right\n");
    assertEquals([right.code, right.stdout], [0, "Login Succeeded\n"]);
    assertStringIncludes(right.stderr, `${folder.path}/docker/config.json`);
    assert(!`${right.stderr}${wrong.stderr}`.includes("right\n"));
    await mustRun(strata, "pull", name);
    assertStringIncludes((await mustRun(strata, "push", name)).stdout, "Layer already exists");
    await mustRun(strata, "logout", host);
    assertEquals((await runStrata(strata, "pull", name)).code, 1);
  });
}
