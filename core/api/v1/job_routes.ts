import type { Job, Jobs, JobView } from "./job.ts";
import { answerEvents, eventFormat, firstEvent, usualFormat } from "./job_stream.ts";
import { type Answer, type Group, jsonAnswer, type Operation, operation } from "./operation.ts";
import { jobListQuery, jobParams, jobQuery } from "./schema/job.ts";
import type { ComponentName } from "./schema/mod.ts";

/** What jobs of a kind are called. */
export interface JobWords {
  readonly group: Extract<Group, "builds" | "transfers">;
  /** One of them, as in messages. */
  readonly one: "build" | "transfer";
  readonly schema: ComponentName;
  readonly list: ComponentName;
  /** Part of operation IDs. */
  readonly id: "Build" | "Transfer";
}

/** How events are answered: as lines of JSON, or as server-sent events. */
export const eventContent: Answer["content"] = { "application/x-ndjson": "Event", "text/event-stream": "text" };

/** List, look at, follow and cancel. */
export function jobOperations(jobs: Jobs, words: JobWords): readonly Operation[] {
  const path = `/v1/${words.group}/{id}`;
  return [
    listOperation(jobs, words),
    operation({
      id: `follow${words.id}`,
      group: words.group,
      method: "get",
      path: `${path}/events`,
      summary: `Gives the events of a ${words.one}, from the first one that is kept until it ends`,
      description:
        "The last one tells the result or the error. Last-Event-ID goes on after an event. A client that goes away stops nothing.",
      params: jobParams,
      answers: { 200: { description: "Events, as Accept asks for", content: eventContent } },
      fails: [404],
      changes: false,
      run({ params, c }): Promise<Response> {
        const { log } = jobs.find(params.id);
        const format = eventFormat(c) ?? usualFormat;
        return Promise.resolve(answerEvents({ log, format, from: firstEvent(c) }));
      },
    }),
    operation({
      id: `cancel${words.id}`,
      group: words.group,
      method: "post",
      path: `${path}/cancel`,
      summary: `Cancels a ${words.one}; what it has made stays nowhere but in caches`,
      params: jobParams,
      answers: { 200: jsonAnswer("How it ended", words.schema) },
      fails: [404],
      changes: true,
      async run({ params }): Promise<Response> {
        const job = jobs.find(params.id);
        job.cancel();
        await job.ended;
        return Response.json(job.view());
      },
    }),
    operation({
      id: `inspect${words.id}`,
      group: words.group,
      method: "get",
      path,
      summary: `Tells how a ${words.one} stands, or how it ended`,
      params: jobParams,
      query: jobQuery,
      answers: { 200: jsonAnswer(`The ${words.one}`, words.schema) },
      fails: [404],
      changes: false,
      async run({ params, query, call, c }): Promise<Response> {
        const job = jobs.find(params.id);
        if (query.wait && c.req.method !== "HEAD") await endOrAbort(job, call.signal);
        return Response.json(job.view());
      },
    }),
  ];
}

function listOperation(jobs: Jobs, words: JobWords): Operation {
  return operation({
    id: `list${words.id}s`,
    group: words.group,
    method: "get",
    path: `/v1/${words.group}`,
    summary: `Lists ${words.group}: those at work, and the last ones that have ended`,
    description: "They are in the memory of the server, the last 200 that have ended, and are gone when it stops.",
    query: jobListQuery,
    answers: { 200: jsonAnswer("Newest first", words.list) },
    fails: [],
    changes: false,
    run({ query: { limit, offset } }): Promise<Response> {
      const all = jobs.list();
      const views = all.slice(offset, offset + limit).map((job): JobView => job.view());
      return Promise.resolve(Response.json({ [words.group]: views, total: all.length }));
    },
  });
}

async function endOrAbort(job: Job, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([job.ended, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Answers of a route that starts a job. */
export const startAnswers = (schema: ComponentName): Operation["answers"] => ({
  200: {
    description: "Its events, where Accept asks for them; a client that goes away cancels it",
    content: eventContent,
  },
  202: jsonAnswer("It was started; Location tells where it is", schema),
});

/** The answer to who started a job: its events where they are asked for, and then going away cancels it; else where it is to be found. */
export function answerStarted(job: Job, words: JobWords, c: Parameters<typeof eventFormat>[0]): Response {
  const location = `/v1/${words.group}/${job.id}`;
  const format = eventFormat(c);
  if (format === undefined) return Response.json(job.view(), { status: 202, headers: { Location: location } });
  const headers = { "Content-Location": location };
  return answerEvents({ log: job.log, format, from: 0, headers, onLeave: () => job.cancel() });
}
