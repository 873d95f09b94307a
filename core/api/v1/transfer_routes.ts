import { copyImages } from "../../image/copy.ts";
import { pullImage } from "../../image/pull.ts";
import { pushImage } from "../../image/push.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { readRemoteReference } from "../../image/registry.ts";
import { readPlace } from "../../image/transfer_place.ts";
import type { FaceHost } from "../context.ts";
import { type JobOrder, Jobs } from "./job.ts";
import { answerStarted, jobOperations, type JobWords, startAnswers } from "./job_routes.ts";
import { type Operation, operation } from "./operation.ts";
import { narrowEngine } from "./reach.ts";
import { type TransferBody, transferBody } from "./schema/job.ts";

const words: JobWords = {
  group: "transfers",
  one: "transfer",
  schema: "Transfer",
  list: "TransferList",
  id: "Transfer",
};

/** `/v1/transfers`. */
export function transferOperations(host: FaceHost): readonly Operation[] {
  const jobs = new Jobs(host, words.one);
  return [
    operation({
      id: "startTransfer",
      group: "transfers",
      method: "post",
      path: "/v1/transfers",
      summary: "Pulls, pushes or copies images",
      description: "Logins are those of the server. Copies are between registries and the store.",
      body: { name: "TransferBody", schema: transferBody },
      answers: startAnswers("Transfer"),
      fails: [403, 429, 501],
      changes: true,
      run: async ({ body, c }) => answerStarted(jobs.start(await orderOf(host, body)), words, c),
    }),
    ...jobOperations(jobs, words),
  ];
}

/**
 * What to do. What is plainly wrong with it is said at once: rejects `INVALID_ARGUMENT` for names that are none, and `DENIED` for places
 * that are out of reach.
 */
async function orderOf(host: FaceHost, body: TransferBody): Promise<JobOrder> {
  const engine = narrowEngine(host.engine);
  const platforms = body.platforms.map(parsePlatform);
  switch (body.kind) {
    case "pull": {
      readRemoteReference(engine, body.reference);
      return { ...titled(body), run: (call) => pullImage(engine, { ...body, platforms }, call) };
    }
    case "push": {
      readRemoteReference(engine, body.reference);
      return { ...titled(body), run: (call) => pushImage(engine, { ...body, platforms }, call) };
    }
    case "copy": {
      await Promise.all([readPlace(engine, body.source), readPlace(engine, body.target)]);
      return { ...titled(body), run: (call) => copyImages(engine, { ...body, platforms }, call) };
    }
  }
}

function titled(body: TransferBody): Pick<JobOrder, "kind" | "title"> {
  return { kind: body.kind, title: body.kind === "copy" ? `${body.source} to ${body.target}` : body.reference };
}
