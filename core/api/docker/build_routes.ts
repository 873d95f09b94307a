import { Hono } from "hono";
import type { Call } from "../../contract/call.ts";
import { isEngineError } from "../../errors.ts";
import { buildImage } from "../../image/build.ts";
import type { BuildResult } from "../../image/build_result.ts";
import { pruneCache } from "../../image/cache_prune.ts";
import { listImages } from "../../image/list.ts";
import { withLogins } from "../../image/with_logins.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { loginsOfBuild } from "./auth_header.ts";
import { filledTar, requestBody } from "./body.ts";
import { type BuildQuery, readBuildQuery } from "./build_query.ts";
import { ClassicLines, shortId } from "./classic_lines.ts";
import { dockerError } from "./error.ts";
import { type DockerHost, findSubject, note, refuseReadonly, versionText } from "./host.ts";
import { answerMessages, type WriteMessage } from "./json_stream.ts";
import { shownName } from "./name.ts";
import { filterTexts, isOn, readFilters, readNumber } from "./query.ts";
import { isBefore, readApiVersion } from "./version.ts";

/** Most characters that a quiet build keeps of what it would show. */
const maxQuiet = 1024 * 1024;

/** Building images, canceling builds, and pruning the build cache. */
export function buildRoutes(host: DockerHost): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .post("/build", (c) => build(host, c))
    .post("/build/cancel", (c) => cancel(host, c))
    .post("/build/prune", async (c) => c.json(await prune(host, c)));
}

async function build(host: DockerHost, c: ApiContext): Promise<Response> {
  refuseReadonly(host);
  const hasAux = !isBefore(readApiVersion(versionText(c)), "1.30");
  const body = requestBody(c);
  let query: BuildQuery;
  try {
    query = readBuildQuery(c, filledTar(body.stream));
  } catch (error) {
    await body.drain();
    throw error;
  }
  const brought = loginsOfBuild(c);
  return await answerMessages(c, host, async (write, call) => {
    const canceling = new AbortController();
    using registration = register(host, query.id, canceling);
    void registration;
    const own: Call = { ...call, signal: AbortSignal.any([call.signal, canceling.signal]) };
    try {
      await using engine = await withLogins(host.engine, brought);
      await run({ ...host, engine }, { query, write, hasAux }, own);
    } catch (error) {
      throw ofBuild(error, query);
    } finally {
      await body.drain();
    }
  });
}

interface Building {
  readonly query: BuildQuery;
  readonly write: WriteMessage;
  readonly hasAux: boolean;
}

async function run(host: DockerHost, { query, write, hasAux }: Building, call: Call): Promise<void> {
  let quiet = "";
  const { rows } = await listImages(host.engine, {}, call);
  const ids = new Map(rows.flatMap(({ id, names }) => names.map((name): [string, string] => [name, id])));
  const lines = new ClassicLines((text) => {
    if (text === "") return;
    if (query.isQuiet) quiet = (quiet + text).slice(-maxQuiet);
    else write({ stream: text });
  }, (name) => ids.get(shownName(name)));
  let result: BuildResult;
  try {
    result = await buildImage(host.engine, query.input, { signal: call.signal, emit: (event) => lines.emit(event) });
  } catch (error) {
    lines.fail();
    if (quiet !== "") write({ stream: quiet });
    throw error;
  }
  const { image } = result;
  if (image === undefined) throw dockerError(400, "No image was generated. Is your Dockerfile empty?");
  lines.end(image.id);
  if (!query.isQuiet) {
    if (hasAux) write({ aux: { ID: image.id } });
    write({ stream: `Successfully built ${shortId(image.id)}\n` });
    for (const name of image.familiarTags) write({ stream: `Successfully tagged ${name}\n` });
  } else write({ stream: `${image.id}\n` });
  const subject = await findSubject(host, image.id, call) ?? { id: image.id, labels: {} };
  for (const name of image.familiarTags) note(host, "tag", subject, name);
}

/** Lets a build be canceled by the ID that its client gave it. */
function register(host: DockerHost, id: string | undefined, controller: AbortController): Disposable {
  if (id === undefined) return { [Symbol.dispose]: () => {} };
  host.builds.set(id, controller);
  return {
    [Symbol.dispose]: () => {
      if (host.builds.get(id) === controller) host.builds.delete(id);
    },
  };
}

/** Why a build failed, in docker's words where docker has some. */
function ofBuild(error: unknown, { input: { file, target } }: BuildQuery): unknown {
  if (!isEngineError(error)) return error;
  const { kind, name } = error.detail;
  const path = file?.type === "context" ? file.path : "Dockerfile";
  if (error.code === "NOT_FOUND" && kind === "file" && name === path) {
    return dockerError(400, `Cannot locate specified Dockerfile: ${path.slice(0, 300)}`, error);
  }
  if (error.code === "NOT_FOUND" && kind === "stage") {
    return dockerError(400, `target stage "${(target ?? "").slice(0, 100)}" could not be found`, error);
  }
  return error;
}

function cancel(host: DockerHost, c: ApiContext): Response {
  refuseReadonly(host);
  const id = c.req.query("id") ?? "";
  if (id === "") throw dockerError(400, "build ID not provided");
  host.builds.get(id)?.abort();
  return c.body(null, 200);
}

async function prune(host: DockerHost, c: ApiContext): Promise<unknown> {
  refuseReadonly(host);
  const filters = readFilters(c, ["type", "until"]);
  for (const name of ["keep-storage", "reserved-space", "max-used-space", "min-free-space"]) {
    if (readNumber(c, name) !== undefined) {
      throw dockerError(501, `"${name}" is not supported: use a filter such as until=24h`);
    }
  }
  const input = { all: isOn(c, "all"), filters: filterTexts(filters) };
  const { removed, mounts, reclaimed } = await pruneCache(host.engine, input, host.callOf(c));
  const ids = [...removed, ...mounts.map(({ name }) => name)];
  return { CachesDeleted: ids.length === 0 ? null : ids, SpaceReclaimed: reclaimed };
}
