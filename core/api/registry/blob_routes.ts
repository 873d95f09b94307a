import { Hono } from "hono";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { registryError, translated } from "./error.ts";
import { readRange } from "./range.ts";
import { nameOf, readDigest, type RegistryHost, repositoryOf } from "./request.ts";

const path = "/v2/:name{.+}/blobs/:digest";

/** Blobs: whether they are there, their bytes or a range of these, and how they go. */
export function blobRoutes(host: RegistryHost): Hono<ApiEnv> {
  const { registry } = host;
  const app = new Hono<ApiEnv>();
  app.get(path, async (c) => {
    const digest = readDigest(c.req.param("digest"));
    const found = await registry.findBlob(repositoryOf(c), digest, host.callOf(c));
    if (found === undefined) throw unknownBlob(digest, nameOf(c));
    return await sendBlob(host, found, c);
  });
  app.delete(path, async (c) => {
    const digest = readDigest(c.req.param("digest"));
    const isGone = await translated(
      { CONFLICT: [405, "UNSUPPORTED"] },
      () => registry.removeBlob(repositoryOf(c), digest, host.callOf(c)),
    );
    if (!isGone) throw unknownBlob(digest, nameOf(c));
    return c.body(null, 202, { "Content-Length": "0" });
  });
  return app;
}

async function sendBlob({ registry, callOf }: RegistryHost, descriptor: Descriptor, c: ApiContext): Promise<Response> {
  const { digest, size } = descriptor;
  const etag = `"${digest}"`;
  const headers = {
    "Docker-Distribution-Api-Version": "registry/2.0",
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "ETag": etag,
    "Accept-Ranges": "bytes",
    // What has a digest never becomes something else.
    "Cache-Control": "max-age=31536000",
  };
  if (c.req.header("if-none-match") === etag) return new Response(null, { status: 304, headers });
  const isOther = ![undefined, etag].includes(c.req.header("if-range"));
  const range = isOther ? undefined : readRange(c.req.header("range"), size);
  if (range === "unsatisfiable") {
    throw registryError(416, "SIZE_INVALID", `Cannot give that range of blob "${digest}": it has ${size} bytes`, {
      headers: { "Content-Range": `bytes */${size}` },
    });
  }
  const { start, end } = range ?? { start: 0, end: size };
  const whole = { ...headers, "Content-Length": String(end - start) };
  const status = range === undefined ? 200 : 206;
  const sent = range === undefined ? whole : { ...whole, "Content-Range": `bytes ${start}-${end - 1}/${size}` };
  if (c.req.method === "HEAD") return new Response(null, { status, headers: sent });
  const part = { descriptor, start, end, isPassing: c.env?.isPassing === true };
  return new Response(await registry.openBlob(part, callOf(c)), { status, headers: sent });
}

function unknownBlob(digest: string, name: string): Error {
  return registryError(404, "BLOB_UNKNOWN", `Cannot find blob "${digest}": repository "${name}" does not have it`, {
    digest,
  });
}
