import type { Call } from "../../contract/call.ts";
import { EngineError } from "../../errors.ts";
import { buildImage } from "../../image/build.ts";
import type { BuildInput } from "../../image/build_input.ts";
import { bodyStream } from "../body.ts";
import type { ApiContext, FaceHost } from "../context.ts";
import { type BuildPlace, noContext, readBuildInput } from "./build_input.ts";
import { parse, parseJson } from "./input.ts";
import { type Job, Jobs } from "./job.ts";
import type { JobLine } from "./job_log.ts";
import { answerStarted, jobOperations, type JobWords, startAnswers } from "./job_routes.ts";
import { type Operation, operation } from "./operation.ts";
import { narrowEngine } from "./reach.ts";
import { buildBody, type BuildOptions, buildOptions, buildQuery } from "./schema/build.ts";
import { jobParams } from "./schema/job.ts";
import { watchBody } from "./watched_body.ts";

const words: JobWords = { group: "builds", one: "build", schema: "Build", list: "BuildList", id: "Build" };

/** Most bytes of a build that is told in JSON: a build file may be in it. */
const maxBuildBytes = 10 * 1024 * 1024;

/** Media types of a tar. */
export const tarTypes: readonly string[] = [
  "application/x-tar",
  "application/tar",
  "application/gzip",
  "application/zstd",
  "application/octet-stream",
];

/** `/v1/builds`. */
export function buildOperations(host: FaceHost): readonly Operation[] {
  const jobs = new Jobs(host, words.one);
  return [startOperation(host, jobs), logOperation(jobs), ...jobOperations(jobs, words)];
}

function startOperation(host: FaceHost, jobs: Jobs): Operation {
  return operation({
    id: "startBuild",
    group: "builds",
    method: "post",
    path: "/v1/builds",
    summary: "Builds an image",
    description:
      "The context is a tar as the body, with what to build in the parameter options, or a place that the body in JSON names: a folder that strata serve was told to allow, a git repository, a URL, or none. The answer to a tar begins when all of it has come.",
    query: buildQuery,
    body: { name: "BuildBody", schema: buildBody, maxBytes: maxBuildBytes },
    streams: tarTypes,
    answers: startAnswers("Build"),
    fails: [403, 404, 408, 413, 415, 422, 429, 501],
    changes: true,
    async run({ query, body, c, call }): Promise<Response> {
      if (body !== undefined) {
        if (query.options !== undefined) throw optionsTwice();
        const { context = noContext, ...options } = body;
        const input = await readBuildInput(context, options, host.contextRoots);
        return answerStarted(startBuild(host, jobs, { input, title: titleOf(options, context) }), words, c);
      }
      const options = parse(buildOptions, parseJson(query.options ?? "{}", "options"), "options");
      return await buildTar(host, jobs, { options, c, call });
    },
  });
}

function optionsTwice(): EngineError {
  return new EngineError("INVALID_ARGUMENT", "Cannot build: what to build is in the body, and in options too", {
    detail: { field: "options" },
    hint: "Leave out options; it goes with a tar as the body",
  });
}

/** Builds what is in the body. The answer begins when all of it has come, or the build has ended without it. */
async function buildTar(
  host: FaceHost,
  jobs: Jobs,
  { options, c, call }: { readonly options: BuildOptions; readonly c: ApiContext; readonly call: Call },
): Promise<Response> {
  const watched = watchBody(bodyStream(c));
  try {
    const place: BuildPlace = { type: "tar", stream: watched.stream };
    const input = await readBuildInput(place, options, host.contextRoots);
    const job = startBuild(host, jobs, { input, title: titleOf(options, place) });
    const cancel = (): void => job.cancel();
    call.signal.addEventListener("abort", cancel, { once: true });
    await Promise.race([watched.ended, job.ended]);
    call.signal.removeEventListener("abort", cancel);
    if (job.view().state !== "running") watched.leave();
    await watched.ended;
    return answerStarted(job, words, c);
  } catch (error) {
    watched.leave();
    throw error;
  }
}

function startBuild(
  { engine }: FaceHost,
  jobs: Jobs,
  { input, title }: { readonly input: BuildInput; readonly title: string },
): Job {
  return jobs.start({ kind: "build", title, run: (call) => buildImage(narrowEngine(engine), input, call) });
}

function titleOf({ tags: [tag] }: BuildOptions, place: BuildPlace): string {
  if (tag !== undefined) return tag;
  if (place.type === "path") return place.path;
  return place.type === "git" || place.type === "url" ? place.url.replace(/\/\/[^/@]*@/, "//") : place.type;
}

function logOperation(jobs: Jobs): Operation {
  return operation({
    id: "readBuildLog",
    group: "builds",
    method: "get",
    path: "/v1/builds/{id}/log",
    summary: "Gives what a build has told so far as text: its steps, and what their commands wrote",
    params: jobParams,
    answers: { 200: { description: "The log", content: { "text/plain": "text" } } },
    fails: [404],
    changes: false,
    run({ params }): Promise<Response> {
      const lines = jobs.find(params.id).log.lines().map(logText);
      const headers = { "Content-Type": "text/plain; charset=UTF-8", "X-Content-Type-Options": "nosniff" };
      return Promise.resolve(new Response(lines.join(""), { headers }));
    },
  });
}

function logText({ type, text }: JobLine): string {
  const event = JSON.parse(text);
  if (type === "step-started") return `=> ${event.name}\n`;
  if (type === "step-log") return event.data;
  if (type === "step-ended" && event.outcome !== "done") return `=> ${event.step}: ${event.outcome}\n`;
  if (type === "warning") return `warning: ${event.message}\n`;
  return type === "error" ? `error: ${event.error.detail}\n` : "";
}
