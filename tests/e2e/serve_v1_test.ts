/** strata's own API as clients see it: builds with their events, folders that may be built, transfers, clients that go away. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  askJson,
  ended,
  jsonRequest,
  readLines,
  readServerSent,
  readUntil,
  startBuild,
} from "../helpers/api_client.ts";
import { containerPeers } from "../helpers/busybox_root.ts";
import { checkNothingRuns, checkNothingUnderWay } from "../helpers/leftovers.ts";
import { gzip, rawTar } from "../helpers/raw_tar.ts";
import { startRegistryServer } from "../helpers/registry_server.ts";
import { isMissing } from "../helpers/require.ts";
import { baseName, makeRunPlace, type RunPlace } from "../helpers/run_place.ts";
import { type ServeProcess, startServe } from "../helpers/serve.ts";
import { mustRun, tempFolder } from "../helpers/strata.ts";

const dockerfile = "FROM scratch\nCOPY a.txt /a.txt\n";

Deno.test("POST /v1/builds builds a folder as strata build does, and gives its events as lines of JSON or server-sent", async () => {
  await using folder = await tempFolder();
  const options = { root: `${folder.path}/root`, env: { SOURCE_DATE_EPOCH: "0" } };
  await folder.write({ "src/app/Dockerfile": dockerfile, "src/app/a.txt": "hello", "src/app/other": dockerfile });
  await using server = await startServe(options, "--allow-context", `${folder.path}/src`);
  const body = { context: { type: "path", path: `${folder.path}/src/app` }, tags: ["app:1"] };

  const lined = await server.fetch("/v1/builds", jsonRequest(body, "application/x-ndjson"));
  assertEquals([lined.status, lined.headers.get("content-type")], [200, "application/x-ndjson"]);
  const lines = readLines(await lined.text());
  const names = lines.flatMap((line) => line.type === "step-started" ? [line.name] : []);
  assertEquals(names, ["[1/1] COPY a.txt /a.txt", "exporting"]);
  const { result } = lines.at(-1) ?? {};
  assertEquals(result.image.familiarTags, ["app:1"]);
  assertEquals(result.steps, { total: 1, cached: 0, built: 1 });

  const sent = await server.fetch("/v1/builds", jsonRequest(body, "text/event-stream"));
  assertEquals(sent.headers.get("content-type"), "text/event-stream");
  const events = readServerSent(await sent.text());
  assertEquals(events.map(({ id }) => Number(id)), events.map((_, at) => at));
  const outcomes = events.flatMap(({ data }) => data.type === "step-ended" ? [data.outcome] : []);
  assertEquals(outcomes, ["cached", "done"]);
  assertEquals([events.at(-1)?.event, events.at(-1)?.data.result.image.id], ["result", result.image.id]);

  // The command makes the same of it, and sees what the server made.
  const { stdout } = await mustRun(options, "build", "-q", "-t", "app:2", `${folder.path}/src/app`);
  assertEquals(stdout.trim(), result.image.id);
  const { images } = await askJson(server, "/v1/images");
  assertEquals(images.map(({ tag }: { tag: string }) => tag), ["1", "2"]);

  const location = sent.headers.get("content-location") ?? "";
  const resumed = await server.fetch(`${location}/events`, {
    headers: { accept: "text/event-stream", "last-event-id": "1" },
  });
  assertEquals(readServerSent(await resumed.text()), events.slice(2));
  const log = await server.fetch(`${location}/log`);
  assertEquals(log.headers.get("content-type"), "text/plain; charset=UTF-8");
  assertStringIncludes(await log.text(), "=> [1/1] COPY a.txt /a.txt\n");
  const { builds, total } = await askJson(server, "/v1/builds");
  assertEquals([total, builds.map(({ state }: { state: string }) => state)], [2, ["done", "done"]]);

  const named = await startBuild(server, { ...body, file: "other", tags: ["named"] });
  assertEquals((await ended(server, "builds", named.id)).state, "done");
  const failing = await startBuild(server, { ...body, dockerfile: "FROM scratch\nNONSENSE x\n" });
  const failed = await ended(server, "builds", failing.id);
  assertEquals([failed.state, failed.error?.code, failed.error?.status], ["failed", "PARSE_FAILED", 422]);
});

Deno.test("POST /v1/builds builds a tar that is sent, plain or packed, also when the build ends before it was read", async () => {
  await using folder = await tempFolder();
  await using server = await startServe({ root: `${folder.path}/root` });
  const tar = rawTar([{ name: "Dockerfile", text: dockerfile }, { name: "a.txt", text: "hello" }]);
  const send = async (path: string, body: BodyInit, accept: string): Promise<Response> =>
    await server.fetch(path, { method: "POST", body, headers: { "content-type": "application/x-tar", accept } });
  const options = encodeURIComponent(JSON.stringify({ tags: ["sent"], labels: { a: "b" } }));
  const ids: string[] = [];
  for (const body of [tar, await gzip(tar)]) {
    const lines = readLines(await (await send(`/v1/builds?options=${options}`, body, "application/x-ndjson")).text());
    ids.push(lines.at(-1)?.result.image.id);
  }
  assertEquals(ids[0], ids[1]);
  const image = await askJson(server, "/v1/images/sent");
  assertEquals(image.Config.Labels, { a: "b" });
  const file = await server.fetch("/v1/images/sent/file?path=a.txt");
  assertEquals([file.headers.get("content-length"), await file.text()], ["5", "hello"]);

  // What is wrong shows in the first bytes, and the client sends on and gets its answer.
  const large = new Uint8Array(32 * 1024 * 1024).fill(1);
  const refused = await send("/v1/builds", large, "application/x-ndjson");
  assertEquals([refused.status, readLines(await refused.text()).at(-1)?.error.code], [200, "INVALID_ARGUMENT"]);
  const wrong = await send("/v1/builds?options=%7B%22tag%22:1%7D", tar, "application/x-ndjson");
  assertEquals(wrong.status, 400);
  assertStringIncludes((await wrong.json()).detail, 'options: Unrecognized key: "tag"');
});

Deno.test("POST /v1/builds builds folders alone that the server was told to allow, and no symlink leads out of them", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await folder.write({
    "allowed/app/Dockerfile": dockerfile,
    "allowed/app/a.txt": "hello",
    "allowed/linked/a.txt": "hello",
    "secret/Dockerfile": "FROM scratch\nCOPY a.txt /stolen\n",
    "secret/a.txt": "the secret",
    "allowed2/Dockerfile": dockerfile,
  });
  await Deno.symlink(`${path}/secret`, `${path}/allowed/out`);
  await Deno.symlink("app", `${path}/allowed/in`);
  await Deno.symlink(`${path}/secret/a.txt`, `${path}/allowed/linked/Dockerfile`);
  await Deno.symlink(`${path}/secret/a.txt`, `${path}/allowed/linked/stolen`);
  const options = { root: `${path}/root` };
  await using server = await startServe(options, "--allow-context", `${path}/allowed`);
  const status = async (body: unknown): Promise<readonly [number, string]> => {
    const response = await server.fetch("/v1/builds", jsonRequest(body));
    const { detail = "" } = await response.json();
    return [response.status, detail];
  };
  const context = (at: string): unknown => ({ context: { type: "path", path: at } });
  for (const place of ["secret", "allowed2", "allowed/../secret", "allowed/out", "absent", ".", "allowed/out/a.txt"]) {
    assertEquals((await status(context(`${path}/${place}`)))[0], 403, place);
  }
  assertEquals((await status(context("/")))[0], 403);
  assertEquals((await status(context("allowed")))[0], 400);
  assertEquals((await status(context(`${path}/allowed/absent`)))[0], 404);
  assertEquals((await status(context(`${path}/allowed/app/a.txt`)))[0], 404);
  const other = { type: "path", path: `${path}/secret` };
  const app = { type: "path", path: `${path}/allowed/app` };
  assertEquals((await status({ context: app, contexts: { other } }))[0], 403);

  for (const at of ["allowed/in", "allowed/app/../app"]) {
    const job = await startBuild(server, context(`${path}/${at}`));
    assertEquals((await ended(server, "builds", job.id)).state, "done", at);
  }
  // A build file that leads out, and one that is named by a path out of the context, show nothing of what is there.
  const linked = { type: "path", path: `${path}/allowed/linked` };
  for (const file of [undefined, "../../secret/a.txt", `${path}/secret/a.txt`, "stolen"]) {
    const job = await startBuild(server, { context: linked, ...(file === undefined ? {} : { file }) });
    const done = await ended(server, "builds", job.id);
    assertEquals(done.state, "failed", file);
    assert(!JSON.stringify(done).includes("the secret"), JSON.stringify(done));
  }
  const copied = await startBuild(server, {
    context: linked,
    dockerfile: "FROM scratch\nCOPY stolen /stolen\n",
    tags: ["copied"],
  });
  const done = await ended(server, "builds", copied.id);
  const { files = [] } = done.state === "done" ? await askJson(server, "/v1/images/copied/files") : {};
  assertEquals(files.filter(({ type }: { type: string }) => type === "file"), []);

  await using strict = await startServe(options, "--socket", `${path}/strict.sock`);
  const refused = await askJson(strict, "/v1/builds", jsonRequest({ context: app }), 403);
  assertStringIncludes(refused.hint, "--allow-context");
});

Deno.test("the API reaches no files of the host by addresses of images", async () => {
  await using folder = await tempFolder();
  const options = { root: `${folder.path}/root` };
  await folder.write({ "src/Dockerfile": "FROM scratch\nLABEL a=b\n" });
  await mustRun(options, "build", "-t", "app", `${folder.path}/src`);
  await mustRun(options, "save", "-o", `${folder.path}/app.tar`, "app");
  await using server = await startServe(options);
  const archive = `docker-archive:${folder.path}/app.tar`;
  await askJson(server, `/v1/images/${encodeURIComponent(archive)}`, undefined, 403);
  await askJson(server, `/v1/images/${encodeURIComponent(archive)}/history`, undefined, 403);
  await askJson(server, `/v1/images/${encodeURIComponent(archive)}/files`, undefined, 404);
  const copy = (source: string, target: string): RequestInit => jsonRequest({ kind: "copy", source, target });
  for (
    const [source, target] of [[archive, "store:x"], ["app", `oci:${folder.path}/out`], ["app", "docker-daemon:app"]]
  ) {
    await askJson(server, "/v1/transfers", copy(source ?? "", target ?? ""), 403);
  }
  assertEquals(await Deno.stat(`${folder.path}/out`).then(() => "there", () => "absent"), "absent");
});

Deno.test("transfers push, pull and copy, with events, and tell why they fail", async () => {
  await using folder = await tempFolder();
  await using registry = startRegistryServer();
  const options = { root: `${folder.path}/root` };
  await folder.write({ "src/Dockerfile": dockerfile, "src/a.txt": "hello" });
  const reference = `${registry.host}/team/app:1`;
  await mustRun(options, "build", "-t", reference, `${folder.path}/src`);
  await using server = await startServe(options);
  const move = async (body: unknown): Promise<readonly ReturnType<typeof readLines>[number][]> =>
    readLines(await (await server.fetch("/v1/transfers", jsonRequest(body, "application/x-ndjson"))).text());
  const pushed = await move({ kind: "push", reference, compression: "zstd" });
  assertEquals(pushed.at(-1)?.result.images[0].tag, "1");
  assert(pushed.some(({ type }) => type === "step-ended"));
  assertEquals(
    (await server.fetch(`/v1/images/${reference}`, { method: "DELETE" }).then((each) => each.json())).actions.length,
    3,
  );
  const pulled = await move({ kind: "pull", reference });
  assertEquals(pulled.at(-1)?.result.images[0].name, reference);
  const copied = await move({ kind: "copy", source: `registry:${reference}`, target: "store:copied" });
  assertEquals(copied.at(-1)?.result.images[0].name, "docker.io/library/copied:latest");
  const missing = await move({ kind: "pull", reference: `${registry.host}/team/none` });
  assertEquals([missing.at(-1)?.error.code, missing.at(-1)?.error.status], ["NOT_FOUND", 404]);
  const { transfers } = await askJson(server, "/v1/transfers");
  assertEquals(transfers.map(({ kind, state }: { kind: string; state: string }) => `${kind} ${state}`), [
    "pull failed",
    "copy done",
    "pull done",
    "push done",
  ]);
  // One in a registry is looked at without being fetched.
  const remote = await askJson(server, `/v1/images/${encodeURIComponent(`registry:${reference}`)}`);
  assertEquals(remote.Os, "linux");
});

Deno.test("a server that only gives refuses what changes something, and shows everything", async () => {
  await using folder = await tempFolder();
  const options = { root: `${folder.path}/root` };
  await folder.write({ "src/Dockerfile": "FROM scratch\nLABEL a=b\n" });
  await mustRun(options, "build", "-t", "app", `${folder.path}/src`);
  await using server = await startServe(options, "--readonly", "--allow-context", `${folder.path}/src`);
  const context = { type: "path", path: `${folder.path}/src` };
  const changes: readonly (readonly [string, RequestInit])[] = [
    ["/v1/builds", jsonRequest({ context })],
    ["/v1/transfers", jsonRequest({ kind: "pull", reference: "app" })],
    ["/v1/images/prune", jsonRequest({ dryRun: true })],
    ["/v1/cache/prune", jsonRequest({})],
    ["/v1/images/app/tags", jsonRequest({ tag: "b" })],
    ["/v1/images/app", { method: "DELETE" }],
  ];
  for (const [path, init] of changes) assertEquals((await askJson(server, path, init, 403)).code, "DENIED", path);
  assertEquals((await askJson(server, "/v1/images")).total, 1);
  const page = await server.fetch("/v1/docs");
  const html = await page.text();
  assertEquals(page.headers.get("content-security-policy")?.startsWith("default-src 'none'"), true);
  assertEquals(html.match(/<script|<link|<img|https?:\/\//g), null);
  assertStringIncludes(html, "GET /v1/images/{name}/history");
});

Deno.test("a build ends when the client goes away that sends its context", async () => {
  await using folder = await tempFolder();
  await using server = await startServe({ root: `${folder.path}/root` });
  const first = rawTar([{ name: "Dockerfile", text: dockerfile, size: 1_000_000 }]);
  const controller = new AbortController();
  const body = new ReadableStream({ start: (sending) => sending.enqueue(first) });
  const sent = server.fetch("/v1/builds", {
    method: "POST",
    body,
    headers: { "content-type": "application/x-tar" },
    signal: controller.signal,
  });
  let job: { id: string; state: string } | undefined;
  while (job === undefined) job = (await askJson(server, "/v1/builds")).builds[0];
  assertEquals(job.state, "running");
  controller.abort();
  await sent.catch(() => {});
  assertEquals((await ended(server, "builds", job.id)).error?.code, "CANCELED");
});

const runTest = (name: string, body: (place: RunPlace, server: ServeProcess) => Promise<void>): void =>
  Deno.test({
    name,
    ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
    fn: async () => {
      await using place = await makeRunPlace();
      {
        await using server = await startServe(place.options);
        await body(place, server);
      }
      await checkNothingRuns(place, []);
      checkNothingUnderWay(place);
    },
  });

/** A build of one command, without a context. */
function commandBuild(command: string, tag: string): unknown {
  return { dockerfile: `FROM ${baseName}\nRUN ${command}\n`, tags: [tag] };
}

async function sendBuild(server: ServeProcess, body: unknown, accept: string, signal?: AbortSignal): Promise<Response> {
  return await server.fetch("/v1/builds", {
    ...jsonRequest(body, accept),
    ...(signal === undefined ? {} : { signal }),
  });
}

runTest("POST /v1/builds/ID/cancel ends a command that runs, and names nothing", async (_place, server) => {
  const started = await (await sendBuild(server, commandBuild("echo begun; sleep 600", "never"), "*/*")).json();
  const following = await server.fetch(`/v1/builds/${started.id}/events`);
  const reader = await readUntil(following, /"data":"begun/);
  const canceled = await askJson(server, `/v1/builds/${started.id}/cancel`, { method: "POST" });
  assertEquals([canceled.state, canceled.error.code], ["canceled", "CANCELED"]);
  let rest = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) rest += next.value;
  assertEquals(readLines(rest).at(-1)?.error.code, "CANCELED");
  await askJson(server, "/v1/images/never", undefined, 404);
  assertEquals((await askJson(server, `/v1/builds/${started.id}/cancel`, { method: "POST" })).state, "canceled");
});

runTest(
  "a build ends when the client goes away that reads its events, and goes on when another one does",
  async (_place, server) => {
    const controller = new AbortController();
    const attached = await sendBuild(
      server,
      commandBuild("echo begun; sleep 600", "gone"),
      "application/x-ndjson",
      controller.signal,
    );
    const id = attached.headers.get("content-location")?.split("/").at(-1) ?? "";
    await readUntil(attached, /"data":"begun/);
    controller.abort();
    assertEquals((await ended(server, "builds", id)).state, "canceled");

    const command =
      "echo begun; n=0; while [ ! -e /meet/go ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); done; [ -e /meet/go ]";
    const mount = "--mount=type=cache,target=/meet,id=meet";
    const started = await (await sendBuild(server, commandBuild(`${mount} ${command}`, "kept"), "*/*")).json();
    const looking = new AbortController();
    const following = await server.fetch(`/v1/builds/${started.id}/events`, { signal: looking.signal });
    await readUntil(following, /"data":"begun/);
    looking.abort();
    const go = await sendBuild(server, commandBuild(`${mount} touch /meet/go`, "go"), "application/x-ndjson");
    assertEquals(readLines(await go.text()).at(-1)?.result.image.familiarTags, ["go:latest"]);
    assertEquals((await ended(server, "builds", started.id)).state, "done");
  },
);

runTest("builds run beside one another, and equal ones give the same", async ({ options }) => {
  // Those that run at the same time take nothing from each other, so times have to be equal too.
  await using server = await startServe({ ...options, env: { ...options.env, SOURCE_DATE_EPOCH: "1" } });
  const meet = "--mount=type=cache,target=/meet,id=meet";
  const wait = (name: string): string =>
    `n=0; while [ ! -e /meet/${name} ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; [ -e /meet/${name} ]`;
  const commands = [
    `${meet} touch /meet/a && ${wait("b")} && echo a >/own`,
    `${meet} touch /meet/b && ${wait("c")} && echo b >/own`,
    `${meet} touch /meet/c && ${wait("a")} && echo c >/own`,
    ...[1, 2, 3, 4, 5].map(() => "echo same >/same"),
  ];
  const jobs = await Promise.all(
    commands.map(async (command, at) =>
      await (await sendBuild(server, commandBuild(command, `many:${at}`), "*/*")).json()
    ),
  );
  const results = await Promise.all(jobs.map(({ id }) => ended(server, "builds", id)));
  assertEquals(results.map(({ state, error }) => error?.detail ?? state), commands.map(() => "done"));
  const layers = results.map(({ result }) => result.image.platforms[0].diffIds.at(-1));
  assertEquals([new Set(layers.slice(0, 3)).size, new Set(layers.slice(3)).size], [3, 1]);
});

runTest("a server that is told to stop finishes the builds that nobody waits for", async (place, server) => {
  const started = await (await sendBuild(server, commandBuild("echo begun; sleep 1", "last"), "*/*")).json();
  await readUntil(await server.fetch(`/v1/builds/${started.id}/events`), /"data":"begun/);
  server.process.signal("SIGTERM");
  const { code, stderr } = await server.process.ended();
  assertEquals(code, 0, stderr);
  assertStringIncludes((await place.strata("image", "ls")).stdout, "last");
});
