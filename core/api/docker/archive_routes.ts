import { Hono } from "hono";
import { loadImages } from "../../image/load.ts";
import { saveToStream } from "../../image/save_stream.ts";
import { isEngineError } from "../../errors.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { requestBody } from "./body.ts";
import { dockerError } from "./error.ts";
import { type DockerHost, findSubject, note, refuseReadonly } from "./host.ts";
import { answerMessages, errorMessage } from "./json_stream.ts";

/** Images as archives: saving and loading. */
export function archiveRoutes(host: DockerHost): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/images/get", (c) => save(host, c, c.req.queries("names") ?? []))
    .get("/images/:name{.+}/get", (c) => save(host, c, [c.req.param("name")]))
    .post("/images/load", (c) => load(host, c));
}

async function save(host: DockerHost, c: ApiContext, names: readonly string[]): Promise<Response> {
  const call = host.callOf(c);
  const wanted = names.flatMap((text) => text.split(",")).filter((name) => name !== "");
  if (wanted.length === 0) throw dockerError(400, "no image was named");
  const saved = await saveToStream(host.engine, { images: wanted }, call).catch((error) => {
    const isMissing = isEngineError(error) && error.code === "NOT_FOUND" && error.detail["kind"] === "image";
    throw isMissing ? dockerError(404, `No such image: ${String(error.detail["name"]).slice(0, 300)}`, error) : error;
  });
  for (const { id } of saved.images) note(host, "save", await findSubject(host, id, call) ?? { id, labels: {} });
  const headers = { "content-type": "application/x-tar", "content-length": String(saved.size) };
  return new Response(saved.content, { headers });
}

/** An archive that cannot be loaded is told of in the stream, as docker does. */
async function load(host: DockerHost, c: ApiContext): Promise<Response> {
  refuseReadonly(host);
  const body = requestBody(c);
  return await answerMessages(c, host, async (write, call) => {
    try {
      const { images } = await loadImages(host.engine, { source: { stream: body.stream } }, call);
      for (const { id, names, replaced } of images) {
        for (const { name, id: old } of replaced) {
          const state = `already exists, renaming the old one with ID ${old} to empty string`;
          write({ stream: `The image ${name} ${state}\n` });
        }
        for (const name of names) write({ stream: `Loaded image: ${name}\n` });
        if (names.length === 0) write({ stream: `Loaded image ID: ${id}\n` });
        note(host, "load", await findSubject(host, id, call) ?? { id, labels: {} });
      }
    } catch (error) {
      if (call.signal.aborted) throw error;
      write(errorMessage(error));
    } finally {
      await body.drain();
    }
  });
}
