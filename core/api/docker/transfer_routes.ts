import { Hono } from "hono";
import type { Call } from "../../contract/call.ts";
import { isEngineError } from "../../errors.ts";
import { importImage } from "../../image/import.ts";
import { inspectManifest } from "../../image/inspect_manifest.ts";
import { listImages } from "../../image/list.ts";
import { type PulledImage, pullImage } from "../../image/pull.ts";
import { pushImage } from "../../image/push.ts";
import { withLogins } from "../../image/with_logins.ts";
import type { Platform } from "../../oci/descriptor.ts";
import { familiarReference, familiarRepository, formatReference, type Reference } from "../../oci/reference.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { loginsOfRequest } from "./auth_header.ts";
import { requestBody } from "./body.ts";
import { dockerError } from "./error.ts";
import { type DockerHost, findSubject, note, refuseReadonly, versionText } from "./host.ts";
import { answerMessages, type WriteMessage } from "./json_stream.ts";
import { readName, readRepositoryAndTag } from "./name.ts";
import { readPlatform } from "./query.ts";
import { pullWords, pushWords, TransferLines } from "./transfer_lines.ts";
import { isBefore, readApiVersion } from "./version.ts";

/** Pulling, importing and pushing images, and what registries tell of them. */
export function transferRoutes(host: DockerHost): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .post("/images/create", (c) => {
      refuseReadonly(host);
      return (c.req.query("fromImage") ?? "") === "" ? importOne(host, c) : pull(host, c);
    })
    .post("/images/:name{.+}/push", (c) => push(host, c))
    .get("/distribution/:name{.+}/json", async (c) => c.json(await distribution(host, c)));
}

interface Pulling {
  readonly reference: Reference;
  readonly allTags: boolean;
}

function readPulling(c: ApiContext): Pulling {
  const name = (c.req.query("fromImage") ?? "").replace(/:$/, "");
  const tag = c.req.query("tag") ?? "";
  const named = readName(name);
  const { host, repository } = named;
  if (familiarRepository(named) === "scratch") throw dockerError(403, "'scratch' is a reserved name");
  if (tag === "") {
    // Without a tag in either place every tag is meant.
    const hasOne = named.digest !== undefined || name.endsWith(`:${named.tag}`);
    return { reference: named, allTags: !hasOne };
  }
  if (tag.includes(":")) return { reference: readName(`${host}/${repository}@${tag}`), allTags: false };
  return { reference: readRepositoryAndTag(`${host}/${repository}`, tag), allTags: false };
}

function pull(host: DockerHost, c: ApiContext): Promise<Response> {
  const { reference, allTags } = readPulling(c);
  const platform = readPlatform(c);
  const brought = loginsOfRequest(c);
  return answerMessages(c, host, async (write, call) => {
    await using engine = await withLogins(host.engine, brought);
    const lines = new TransferLines(pullWords, write);
    const emit: Call["emit"] = (event) => {
      const [, shown, repository] = (event.type === "step-started" && /^(.*): Pulling from (.*)$/.exec(event.name)) ||
        [];
      if (repository === undefined) return lines.emit(event);
      const id = shown === formatReference(reference) ? familiarReference(reference) : shown ?? "";
      write({ status: `Pulling from ${repository}`, id });
    };
    const text = allTags ? `${reference.host}/${reference.repository}` : formatReference(reference);
    const input = {
      reference: text,
      allTags,
      keepsDigest: true,
      ...(platform === undefined ? {} : { platforms: [platform] }),
    };
    const { images } = await pullImage(engine, input, { signal: call.signal, emit }).catch((error) => {
      throw ofRegistry(error, reference, "pull");
    });
    if (images.some(({ isNew }) => isNew)) lines.flush();
    await tellPulled(host, { images, reference, allTags, write }, call);
  });
}

async function tellPulled(
  host: DockerHost,
  { images, reference, allTags, write }: Pulling & {
    readonly images: readonly PulledImage[];
    readonly write: WriteMessage;
  },
  call: Call,
): Promise<void> {
  for (const { digest } of images) write({ status: `Digest: ${digest}` });
  const shown = allTags ? familiarRepository(reference) : familiarReference(reference);
  const isNew = images.some((image) => image.isNew);
  write({ status: `Status: ${isNew ? "Downloaded newer image" : "Image is up to date"} for ${shown}` });
  const subject = allTags ? undefined : await findSubject(host, shown, call);
  const attributes = { ...subject?.labels, name: familiarRepository(reference) };
  host.events.add({ action: "pull", id: shown, attributes });
}

async function importOne(host: DockerHost, c: ApiContext): Promise<Response> {
  const source = c.req.query("fromSrc") ?? "";
  const repository = c.req.query("repo") ?? "";
  const reference = repository === "" ? undefined : readRepositoryAndTag(repository, c.req.query("tag") ?? "");
  const platform = readPlatform(c);
  const message = c.req.query("message") || `Imported from ${source}`;
  const name = reference === undefined ? undefined : familiarReference(reference);
  if (source === "") throw dockerError(400, "fromImage or fromSrc is needed");
  const body = requestBody(c);
  return await answerMessages(c, host, async (write, call) => {
    try {
      const content = source === "-" ? body.stream : await fetchSource(host, { source, write }, call);
      const input = {
        content,
        message,
        changes: c.req.queries("changes") ?? [],
        ...(name === undefined ? {} : { reference: name }),
        ...(platform === undefined ? {} : { platform }),
      };
      const { id } = await importImage(host.engine, input, call);
      write({ status: id });
      const subject = await findSubject(host, id, call) ?? { id, labels: {} };
      if (name !== undefined) note(host, "tag", subject, name);
      note(host, "import", subject);
    } finally {
      await body.drain();
    }
  });
}

async function fetchSource(
  host: DockerHost,
  { source, write }: { readonly source: string; readonly write: WriteMessage },
  call: Call,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const url = source.includes("://") ? source : `http://${source}`;
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw dockerError(400, `cannot import from "${source.slice(0, 200)}"`);
  }
  write({ status: `Downloading from ${url}` });
  const { download } = await import("../../image/download.ts");
  return await download(host.engine, url, call);
}

function push(host: DockerHost, c: ApiContext): Promise<Response> {
  const version = readApiVersion(versionText(c));
  const tag = c.req.query("tag") ?? "";
  const name = c.req.param("name") ?? "";
  const reference = tag === "" ? readName(name) : readRepositoryAndTag(name, tag);
  const allTags = tag === "";
  const platform = isBefore(version, "1.46") ? undefined : readPlatform(c);
  const brought = loginsOfRequest(c);
  return answerMessages(c, host, async (write, call) => {
    await using engine = await withLogins(host.engine, brought);
    write({ status: `The push refers to repository [${reference.host}/${reference.repository}]` });
    const lines = new TransferLines(pushWords, write);
    const input = {
      reference: allTags ? `${reference.host}/${reference.repository}` : formatReference(reference),
      allTags,
      keepsDigest: true,
      ...(platform === undefined ? {} : { platforms: [platform] satisfies readonly Platform[] }),
    };
    const inner: Call = { signal: call.signal, emit: (event) => lines.emit(event) };
    const { images } = await pushImage(engine, input, inner).catch(async (error) => {
      throw await ofPush(host, { error, reference }, call);
    });
    for (const { tag, descriptor: { digest, size } } of images) {
      write({ status: `${tag}: digest: ${digest} size: ${size}` });
      write({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
    }
    const shown = allTags ? familiarRepository(reference) : familiarReference(reference);
    const subject = allTags ? undefined : await findSubject(host, shown, call);
    const attributes = { ...subject?.labels, name: familiarRepository(reference) };
    host.events.add({ action: "push", id: shown, attributes });
  });
}

async function distribution(host: DockerHost, c: ApiContext): Promise<unknown> {
  const reference = readName(c.req.param("name") ?? "");
  const call = host.callOf(c);
  await using engine = await withLogins(host.engine, loginsOfRequest(c));
  const { host: server, repository, digest, tag } = reference;
  const image = formatReference(
    digest === undefined
      ? { host: server, repository, ...(tag === undefined ? {} : { tag }) }
      : { host: server, repository, digest },
  );
  const input = { image };
  try {
    const { descriptor, bytes } = await inspectManifest(engine, input, call);
    const { mediaType, digest, size } = descriptor;
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const platforms = platformsOf(document) ??
      [platformOf(
        JSON.parse(new TextDecoder().decode((await inspectManifest(engine, { ...input, config: true }, call)).bytes)),
      )];
    return { Descriptor: { mediaType, digest, size }, Platforms: platforms };
  } catch (error) {
    throw ofRegistry(error, reference, "distribution");
  }
}

/** Platforms that an index lists; undefined for a manifest. */
function platformsOf(document: unknown): readonly unknown[] | undefined {
  if (typeof document !== "object" || document === null || !("manifests" in document)) return undefined;
  const { manifests } = document;
  return Array.isArray(manifests) ? manifests.flatMap(({ platform }) => platform ?? []) : [];
}

function platformOf(config: unknown): Record<string, unknown> {
  const { architecture, os, variant } = { architecture: "", os: "", variant: undefined, ...Object(config) };
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

/** What went wrong with a registry, in docker's words where docker has some. */
function ofRegistry(error: unknown, reference: Reference, work: "pull" | "distribution"): unknown {
  if (!isEngineError(error)) return error;
  const repository = familiarRepository(reference);
  if (error.code === "NOT_FOUND" && error.detail["kind"] === "image") {
    const shown = familiarReference(reference);
    return dockerError(404, `manifest for ${shown} not found: manifest unknown: manifest unknown`, error);
  }
  if (work === "pull" && (error.code === "UNAUTHORIZED" || error.code === "DENIED")) {
    const advice = "repository does not exist or may require 'docker login'";
    return dockerError(404, `pull access denied for ${repository}, ${advice}: ${error.message}`, error);
  }
  return error;
}

/** Why a push failed, in docker's words where docker has some. */
async function ofPush(
  { engine }: DockerHost,
  { error, reference }: { readonly error: unknown; readonly reference: Reference },
  call: Call,
): Promise<unknown> {
  if (!isEngineError(error) || error.code !== "NOT_FOUND" || error.detail["kind"] !== "image") return error;
  const repository = familiarRepository(reference);
  const { rows } = await listImages(engine, { all: true, reference: repository }, call);
  const state = rows.length > 0
    ? `tag does not exist: ${familiarReference(reference)}`
    : `An image does not exist locally with the tag: ${repository}`;
  return dockerError(404, state, error);
}
