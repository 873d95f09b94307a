import { Hono } from "hono";
import { type HostedUpload, readRepository } from "../../image/hosted_registry.ts";
import type { Digest } from "../../oci/descriptor.ts";
import { bodyStream } from "../body.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { registryError, translated } from "./error.ts";
import { nameOf, readDigest, type RegistryHost, repositoryOf } from "./request.ts";

const path = "/v2/:name{.+}/blobs/uploads/:id";

/** How blobs come: in one request or several, or from another repository. */
export function uploadRoutes(host: RegistryHost): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.post("/v2/:name{.+}/blobs/uploads/", (c) => begin(host, c));
  app.post("/v2/:name{.+}/blobs/uploads", (c) => begin(host, c));
  app.get(path, (c) => c.body(null, 204, progressOf(c, uploadOf(host, c))));
  app.patch(path, async (c) => {
    const upload = uploadOf(host, c);
    await addBody(host, upload, c);
    return c.body(null, 202, { ...progressOf(c, upload), "Content-Length": "0" });
  });
  app.put(path, async (c) => {
    const upload = uploadOf(host, c);
    const digest = readDigest(c.req.query("digest"));
    await addBody(host, upload, c);
    return await finish(host, { upload, digest }, c);
  });
  app.delete(path, async (c) => {
    const upload = uploadOf(host, c);
    host.registry.endUpload(upload);
    await upload.cancel();
    return c.body(null, 204);
  });
  return app;
}

async function begin(host: RegistryHost, c: ApiContext): Promise<Response> {
  const { registry } = host;
  const repository = repositoryOf(c);
  const { mount, from, digest: text } = c.req.query();
  if (mount !== undefined) {
    const digest = readDigest(mount);
    const source = from === undefined ? undefined : readSource(from);
    const isThere = source !== null &&
      await registry.mount({ repository, digest, from: source }, host.callOf(c));
    if (isThere) return created(c, digest);
  }
  const digest = mount === undefined && text !== undefined ? readDigest(text) : undefined;
  const upload = await translated({ CONFLICT: [429, "TOOMANYREQUESTS"] }, () => registry.beginUpload(repository));
  if (digest === undefined) return c.body(null, 202, { ...progressOf(c, upload), "Content-Length": "0" });
  try {
    await addBody(host, upload, c);
  } catch (error) {
    // Nobody knows how to go on with it.
    registry.endUpload(upload);
    await upload.cancel();
    throw error;
  }
  return await finish(host, { upload, digest }, c);
}

/** The repository to mount from; null for a name that is none, which has nothing. */
function readSource(from: string): ReturnType<typeof readRepository> | null {
  try {
    return readRepository(from);
  } catch {
    return null;
  }
}

/** Adds the body of a request, which says where it begins or goes on where the last one ended. */
async function addBody({ engine }: RegistryHost, upload: HostedUpload, c: ApiContext): Promise<void> {
  checkPlace(upload, c);
  const body = bodyStream(c);
  await translated({ CONFLICT: [409, "BLOB_UPLOAD_INVALID"] }, () => upload.add(body, engine.clock));
}

function checkPlace(upload: HostedUpload, c: ApiContext): void {
  const range = c.req.header("content-range");
  if (range === undefined) return;
  const [, first = "", last = ""] = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/\S+)?$/.exec(range) ?? [];
  const length = c.req.header("content-length");
  const isSame = length === undefined || Number(length) === Number(last) - Number(first) + 1;
  if (first === "" || !isSame) {
    throw registryError(400, "SIZE_INVALID", `Cannot take range "${range.slice(0, 60)}": it is not that of the body`);
  }
  if (Number(first) === upload.size) return;
  const message = `Cannot take range "${range.slice(0, 60)}": the next byte is ${upload.size}`;
  throw registryError(416, "BLOB_UPLOAD_INVALID", message, { headers: progressOf(c, upload) });
}

async function finish(
  { registry, callOf }: RegistryHost,
  { upload, digest }: { readonly upload: HostedUpload; readonly digest: Digest },
  c: ApiContext,
): Promise<Response> {
  const table = { CONTENT_MISMATCH: [400, "DIGEST_INVALID"], CONFLICT: [409, "BLOB_UPLOAD_INVALID"] } as const;
  await translated(table, async () => {
    try {
      await upload.finish(digest, callOf(c));
    } finally {
      if (upload.isOver) registry.endUpload(upload);
    }
  });
  return created(c, digest);
}

function created(c: ApiContext, digest: Digest): Response {
  return c.body(null, 201, {
    "Location": `/v2/${nameOf(c)}/blobs/${digest}`,
    "Docker-Content-Digest": digest,
    "Content-Length": "0",
  });
}

/** Headers that say how far an upload is. Of one without bytes yet they say `0-0`, as docker-registry does. */
function progressOf(c: ApiContext, upload: HostedUpload): Record<string, string> {
  return {
    "Location": `/v2/${nameOf(c)}/blobs/uploads/${upload.id}`,
    "Range": `0-${Math.max(upload.size - 1, 0)}`,
    "Docker-Upload-UUID": upload.id,
  };
}

function uploadOf({ registry }: RegistryHost, c: ApiContext): HostedUpload {
  const id = c.req.param("id") ?? "";
  const upload = registry.findUpload(repositoryOf(c), id);
  if (upload !== undefined) return upload;
  throw registryError(
    404,
    "BLOB_UPLOAD_UNKNOWN",
    `Cannot find upload "${id.slice(0, 100)}": there is none of that name`,
  );
}
