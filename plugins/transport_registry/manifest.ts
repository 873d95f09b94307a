import type { Call, Descriptor, Digest, Kit } from "../../core/contract/mod.ts";
import { isDigest } from "./address.ts";
import type { Answer } from "./answer.ts";
import { type RegistryClient, repositoryScope } from "./client.ts";
import { acceptedTypes, essence, indexType, isSchema1, isVagueType, manifestType } from "./media_type.ts";

/** Largest manifest or index that is read, in bytes; registries take 4 MiB at least (distribution-spec, "Pushing Manifests"). */
export const maxManifestBytes = 8 * 1024 * 1024;

/** A manifest or an index as a registry gave it. */
export interface FetchedManifest {
  /** What the bytes are; the digest is computed. */
  readonly descriptor: Descriptor;
  /** The bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where a manifest is read from, and with what help. */
export interface ManifestPlace {
  /** The server. */
  readonly client: RegistryClient;
  /** Makes errors and digests. */
  readonly kit: Kit;
}

/**
 * What a tag or digest points at, from the headers where they tell; undefined when it is not there. Rejects `UNSUPPORTED` for
 * Docker's first image format, `CONTENT_MISMATCH` for a document that says one thing and is another.
 */
export async function resolveManifest(
  name: string,
  { client, kit }: ManifestPlace,
  call: Call,
): Promise<Descriptor | undefined> {
  const answer = await client.send({ ...manifestRequest(name, client), method: "HEAD" }, call);
  await answer.drain();
  if (answer.status === 200) {
    const descriptor = readHeaders(name, answer);
    if (descriptor !== undefined) {
      if (isSchema1(descriptor.mediaType)) throw schema1(name, client, kit);
      return descriptor;
    }
  } else if ([401, 403, 429].includes(answer.status) || answer.status >= 500 && answer.status !== 501) {
    throw await client.refusal(answer, manifestRequest(name, client));
  }
  // A server may know nothing of HEAD, or leave out what is needed.
  return (await fetchManifest(name, { client, kit }, call))?.descriptor;
}

/**
 * The manifest or index that a tag or digest points at; undefined when it is not there. The digest is that of the bytes. Rejects
 * as {@linkcode resolveManifest} does.
 */
export async function fetchManifest(
  name: string,
  { client, kit }: ManifestPlace,
  call: Call,
): Promise<FetchedManifest | undefined> {
  const request = manifestRequest(name, client);
  const answer = await client.send(request, call);
  if (answer.status === 404) {
    await answer.drain();
    return undefined;
  }
  if (answer.status !== 200) throw await client.refusal(answer, request);
  const bytes = await collectManifest(answer, { name, client, kit });
  const said = answer.headers.get("docker-content-digest");
  const expected = isDigest(name) ? name : isDigest(said) ? said : undefined;
  const digest = await digestOf(bytes, expected, kit);
  if (expected !== undefined && expected !== digest) {
    throw kit.error("CONTENT_MISMATCH", `Cannot ${request.doing}: its digest is ${digest}, expected ${expected}`, {
      detail: { expected, actual: digest },
    });
  }
  const mediaType = readType(bytes, answer, { name, client, kit });
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** What a request for a manifest has in common. */
export function manifestRequest(
  name: string,
  { endpoint: { host, repository } }: RegistryClient,
): { method: string; at: string; headers: Record<string, string>; scopes: string[]; doing: string } {
  return {
    method: "GET",
    at: `manifests/${name}`,
    headers: { accept: acceptedTypes },
    scopes: [repositoryScope(repository, "pull")],
    doing: `read image "${host}/${repository}${isDigest(name) ? "@" : ":"}${name}"`,
  };
}

interface NamedPlace extends ManifestPlace {
  readonly name: string;
}

async function collectManifest(answer: Answer, { name, client, kit }: NamedPlace): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await answer.collect(maxManifestBytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `Cannot ${
      manifestRequest(name, client).doing
    }: its manifest has more than ${maxManifestBytes} bytes`;
    throw kit.error("CONTENT_MISMATCH", message, { detail: { expected: maxManifestBytes, actual: cause.message } });
  }
}

/** What the headers of an answer to HEAD tell, or undefined when they do not tell everything. */
function readHeaders(name: string, { headers }: Answer): Descriptor | undefined {
  const mediaType = essence(headers.get("content-type"));
  const said = headers.get("docker-content-digest");
  const digest = isDigest(name) ? name : said;
  const length = headers.get("content-length") ?? "";
  if (isVagueType(mediaType) || !isDigest(digest) || !/^[1-9]\d{0,14}$/.test(length)) return undefined;
  if (isDigest(name) && isDigest(said) && said !== name && said.split(":")[0] === name.split(":")[0]) return undefined;
  return { mediaType, digest, size: Number(length) };
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>, expected: Digest | undefined, kit: Kit): Promise<Digest> {
  const algorithm = expected?.slice(0, expected.indexOf(":")) ?? "sha256";
  if (algorithm === "sha256") return await kit.sha256(bytes);
  const name = algorithm === "sha384" ? "SHA-384" : "SHA-512";
  return `${algorithm}:${new Uint8Array(await crypto.subtle.digest(name, bytes)).toHex()}`;
}

/** The type of a document: the header's, unless that says nothing; checked against the document. */
function readType(bytes: Uint8Array, answer: Answer, { name, client, kit }: NamedPlace): string {
  const { doing } = manifestRequest(name, client);
  const refuse = (state: string, actual: unknown): Error =>
    kit.error("CONTENT_MISMATCH", `Cannot ${doing}: ${state}`, {
      detail: { expected: "one kind of document", actual },
    });
  const document = parseDocument(bytes);
  if (document === undefined) throw refuse("its manifest is no JSON object", "other bytes");
  const header = essence(answer.headers.get("content-type"));
  const own = typeof document.mediaType === "string" ? essence(document.mediaType) : "";
  if (isSchema1(header) || isSchema1(own) || document.schemaVersion === 1) throw schema1(name, client, kit);
  if ("manifests" in document && ("layers" in document || "config" in document)) {
    throw refuse("its manifest lists both manifests and layers", "both");
  }
  if (isVagueType(header)) {
    if (own !== "") return own;
    if (Array.isArray(document.manifests)) return indexType;
    if ("config" in document) return manifestType;
    throw refuse(`its manifest has no type and is of no known kind`, header);
  }
  if (own !== "" && own !== header) {
    throw refuse(`the registry calls its manifest "${header}", which calls itself "${own}"`, own);
  }
  return header;
}

function parseDocument(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function schema1(name: string, client: RegistryClient, kit: Kit): Error {
  const { doing } = manifestRequest(name, client);
  return kit.error("UNSUPPORTED", `Cannot ${doing}: it is in Docker's image manifest version 2, schema 1`, {
    detail: {
      what: "application/vnd.docker.distribution.manifest.v1+prettyjws",
      known: acceptedTypes.split(", ").slice(0, -1),
    },
    hint: "Push the image again with a current tool, which writes schema 2 or OCI",
  });
}
