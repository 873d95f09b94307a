import type { Digest } from "../../core/oci/descriptor.ts";
import { sha256 } from "../../core/oci/digest.ts";
import { MediaType } from "../../core/oci/media_type.ts";

/** Sends a request to a registry. */
export type Ask = (path: string, init?: RequestInit) => Response | Promise<Response>;

/** A descriptor of what was sent. */
export interface Sent {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** What a registry answered: its body as text, its JSON or its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Code of the first error; undefined where there is none. */
  readonly code: string | undefined;
}

/** Asks and reads the whole answer. */
export async function answerOf(asked: Response | Promise<Response>): Promise<Answer> {
  const response = await asked;
  const text = await response.text();
  const isError = response.status >= 400 && text.startsWith("{");
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: isError ? JSON.parse(text).errors[0].code : undefined,
  };
}

/** Sends a blob in one request. */
export async function sendBlob(ask: Ask, repository: string, data: string | Uint8Array<ArrayBuffer>): Promise<Sent> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const digest = await sha256(bytes);
  const { status, text } = await answerOf(
    ask(`/v2/${repository}/blobs/uploads/?digest=${digest}`, { method: "POST", body: bytes }),
  );
  if (status !== 201) throw new Error(`blob ${digest}: ${status} ${text}`);
  return { mediaType: MediaType.octetStream, digest, size: bytes.length };
}

/** Sends a document under a tag or its digest; gives the answer and its descriptor. */
export async function sendManifest(
  ask: Ask,
  at: { readonly repository: string; readonly tag?: string },
  document: Readonly<Record<string, unknown>>,
): Promise<Answer & { readonly sent: Sent }> {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...document }));
  const mediaType = "manifests" in document ? MediaType.index : MediaType.manifest;
  const sent = { mediaType, digest: await sha256(bytes), size: bytes.length };
  const answer = await answerOf(ask(`/v2/${at.repository}/manifests/${at.tag ?? sent.digest}`, {
    method: "PUT",
    body: bytes,
    headers: { "content-type": mediaType },
  }));
  return { ...answer, sent };
}

/** Sends an image of one layer; gives its manifest. */
export async function sendImage(
  ask: Ask,
  at: { readonly repository: string; readonly tag?: string },
  text: string,
): Promise<Sent> {
  const layer = await sendBlob(ask, at.repository, new Uint8Array(1024));
  const config = await sendBlob(
    ask,
    at.repository,
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: { Labels: { text } },
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    }),
  );
  const { status, text: body, sent } = await sendManifest(ask, at, {
    mediaType: MediaType.manifest,
    config: { ...config, mediaType: MediaType.config },
    layers: [{ ...layer, mediaType: MediaType.layer }],
  });
  if (status !== 201) throw new Error(`manifest: ${status} ${body}`);
  return sent;
}
