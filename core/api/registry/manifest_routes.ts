import { Hono } from "hono";
import { readTagOrDigest } from "../../image/hosted_registry.ts";
import { typeOfDocument } from "../../image/hosted_manifest.ts";
import type { Digest } from "../../oci/descriptor.ts";
import { digestBytes, sha256 } from "../../oci/digest.ts";
import { readBody } from "../body.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { registryError, translated } from "./error.ts";
import { nameOf, readDigest, type RegistryHost, repositoryOf } from "./request.ts";

/** Largest manifest that is taken, in bytes. Clients may count on 4 MiB (distribution-spec, "Pushing Manifests"). */
const maxManifestBytes = 4 * 1024 * 1024;

/** Most tags that one request may give a manifest. */
const maxTags = 100;

const path = "/v2/:name{.+}/manifests/:reference";

/** Manifests and indexes: by tag or digest, how they come and how they go. */
export function manifestRoutes(host: RegistryHost): Hono<ApiEnv> {
  const { registry } = host;
  const app = new Hono<ApiEnv>();
  app.get(path, async (c) => {
    const at = { repository: repositoryOf(c), reference: referenceOf(c) };
    const found = await registry.readManifest(at, host.callOf(c));
    if (found === undefined) throw unknownManifest(c);
    const { mediaType, digest, size } = found.descriptor;
    const etag = `"${digest}"`;
    const headers = {
      "Content-Type": mediaType,
      "Content-Length": String(size),
      "Docker-Content-Digest": digest,
      "ETag": etag,
    };
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, { ETag: etag });
    return new Response(c.req.method === "HEAD" ? null : await found.bytes(), { headers });
  });
  app.put(path, (c) => takeManifest(host, c));
  app.delete(path, async (c) => {
    const repository = repositoryOf(c);
    const reference = referenceOf(c);
    const call = host.callOf(c);
    const isGone = await translated(
      { CONFLICT: [405, "UNSUPPORTED"] },
      () =>
        "tag" in reference
          ? registry.removeTag(repository, reference.tag, call)
          : registry.removeManifest(repository, reference.digest, call),
    );
    if (!isGone) throw unknownManifest(c);
    return c.body(null, 202, { "Content-Length": "0" });
  });
  return app;
}

async function takeManifest(host: RegistryHost, c: ApiContext): Promise<Response> {
  const repository = repositoryOf(c);
  const reference = referenceOf(c);
  const bytes = await readBody(c, maxManifestBytes);
  const expected = "digest" in reference ? reference.digest : undefined;
  const digest = expected === undefined ? await sha256(bytes) : await digestBytes(bytes, expected);
  if (expected !== undefined && digest !== expected) {
    throw registryError(
      400,
      "DIGEST_INVALID",
      `Cannot take manifest "${expected}": the digest of its bytes is ${digest}`,
    );
  }
  const tags = "tag" in reference ? [reference.tag] : tagsOf(c);
  const table = {
    CONTENT_MISMATCH: [400, "MANIFEST_INVALID"],
    INVALID_ARGUMENT: [400, "MANIFEST_INVALID"],
    UNSUPPORTED: [400, "MANIFEST_INVALID"],
    NOT_FOUND: [400, "MANIFEST_BLOB_UNKNOWN"],
  } as const;
  const { subject } = await translated(table, () => {
    const mediaType = typeOfDocument(bytes, c.req.header("content-type"));
    return host.registry.receive({ repository, bytes, mediaType, digest, tags }, host.callOf(c));
  });
  const headers = new Headers({
    "Location": `/v2/${nameOf(c)}/manifests/${digest}`,
    "Docker-Content-Digest": digest,
    "Content-Length": "0",
    ...(subject === undefined ? {} : { "OCI-Subject": subject.digest }),
  });
  if (expected !== undefined && tags.length > 0) headers.set("OCI-Tag", tags.join(", "));
  return new Response(null, { status: 201, headers });
}

/** What the path names. Throws for what is neither tag nor digest: there can be no such manifest. */
function referenceOf(c: ApiContext): { readonly tag: string } | { readonly digest: Digest } {
  const text = c.req.param("reference") ?? "";
  if (text.includes(":")) return { digest: readDigest(text) };
  try {
    return readTagOrDigest(text);
  } catch {
    if (c.req.method === "PUT") {
      throw registryError(400, "MANIFEST_INVALID", `Cannot use "${text.slice(0, 160)}" as a tag`);
    }
    throw unknownManifest(c);
  }
}

function tagsOf(c: ApiContext): readonly string[] {
  const tags = c.req.queries("tag") ?? [];
  if (tags.length > maxTags) throw registryError(414, "UNSUPPORTED", `Cannot set more than ${maxTags} tags at once`);
  return tags.map((text) => {
    if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(text)) return text;
    throw registryError(400, "MANIFEST_INVALID", `Cannot use "${text.slice(0, 160)}" as a tag`);
  });
}

function unknownManifest(c: ApiContext): Error {
  const reference = (c.req.param("reference") ?? "").slice(0, 160);
  const message = `Cannot find manifest "${reference}": repository "${nameOf(c)}" does not have it`;
  return registryError(404, "MANIFEST_UNKNOWN", message, { reference });
}
