import type { Call, Descriptor, Kit } from "../../core/contract/mod.ts";
import type { Answer } from "./answer.ts";
import { blobPath, type RegistryClient, type RegistryRequest } from "./client.ts";
import type { ContentReader } from "./content_reader.ts";
import type { Body } from "./exchange.ts";
import { broken, canceled, checkDigest, hasCode, isPassing } from "./failure.ts";
import { isRetried, retryDelay, wait, withAttempt } from "./retry.ts";
import { readLocation, readRange, type UploadSession } from "./upload_session.ts";
import type { Settings } from "./settings.ts";

/** Where a blob is uploaded, and how. */
export interface UploadPlace {
  /** The server. */
  readonly client: RegistryClient;
  /** Scopes for writing. */
  readonly scopes: readonly string[];
  /** Bounds of trying again. */
  readonly settings: Settings;
  /** Makes errors. */
  readonly kit: Kit;
}

/** Content up to this many bytes is sent from memory: loading what streams takes longer. */
const smallBytes = 256 * 1024;
/** Size of the parts when a server finds the whole too large. */
const fallbackChunkBytes = 32 * 1024 * 1024;

/**
 * One blob on its way to a registry: in one request, or in parts where the config or the server wants that. A connection that is cut
 * goes on where the server says it was.
 */
export class Upload {
  readonly #descriptor: Descriptor;
  readonly #content: ContentReader;
  readonly #place: UploadPlace;
  #session: UploadSession | undefined;
  #chunkBytes: number | undefined;

  constructor(
    descriptor: Descriptor,
    content: ContentReader,
    place: UploadPlace & { session?: UploadSession | undefined },
  ) {
    this.#descriptor = descriptor;
    this.#content = content;
    this.#place = place;
    this.#session = place.session;
    this.#chunkBytes = place.client.endpoint.settings.chunkBytes;
  }

  /** Sends it. Rejects with what reading the content rejects with, and as the client does. */
  async run(call: Call): Promise<void> {
    const { settings, kit } = this.#place;
    try {
      for (let attempt = 1;; attempt++) {
        const failure = await this.#attempt(call);
        if (failure === undefined) return;
        if (this.#content.failure !== undefined) throw this.#content.failure.cause;
        const delay = retryDelay(attempt, failure.retryAfter, settings);
        if (!failure.isPassing || attempt >= settings.attempts || delay === undefined) {
          throw hasCode(failure.error, "NETWORK_FAILED") ? withAttempt(failure.error, attempt, kit) : failure.error;
        }
        await wait(delay, call.signal);
        if (call.signal.aborted) throw canceled(this.#request("PUT", ""), call.signal, kit);
      }
    } catch (error) {
      await this.cancel();
      throw error;
    } finally {
      await this.#content.close();
    }
  }

  /** Tells the registry that nothing more will come, as far as it listens. */
  async cancel(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) await cancelSession(session, this.#place);
  }

  async #attempt(call: Call): Promise<Failure | undefined> {
    // Asking is tried again already, sending is not.
    const session = await this.#open(call);
    if (session === "done") return undefined;
    try {
      return await this.#transfer(session, call);
    } catch (error) {
      return { error, isPassing: isPassing(error), retryAfter: null };
    }
  }

  /** Asks where an upload that was begun stands, or begins one. */
  async #open(call: Call): Promise<UploadSession | "done"> {
    const begun = this.#session;
    if (begun !== undefined && !begun.isCut) return begun;
    if (begun !== undefined) {
      const resumed = await this.#resume(begun, call);
      if (resumed !== undefined) return this.#session = resumed;
      // What was sent last may have arrived, and only the answer was lost.
      const head = await this.#place.client.send(this.#request("HEAD", blobPath(this.#descriptor.digest)), call);
      await head.drain();
      if (head.status === 200) return "done";
      await this.cancel();
    }
    const request = this.#request("POST", "blobs/uploads/");
    const answer = await this.#place.client.expect(request, [202], call);
    await answer.drain();
    return this.#session = this.#readSession(answer, 0);
  }

  async #resume(session: UploadSession, call: Call): Promise<UploadSession | undefined> {
    const answer = await this.#place.client.send({ ...this.#request("GET", session.location), attempts: 2 }, call);
    await answer.drain();
    // What the registry knows nothing of need not be cancelled.
    if (answer.status === 404) this.#session = undefined;
    const end = answer.status === 204 ? readRange(answer.headers) : undefined;
    // `0-0` stands for nothing as well as for one byte.
    if (end === undefined || end <= 1 || end > this.#descriptor.size) return undefined;
    return this.#readSession(answer, end, session);
  }

  async #transfer(session: UploadSession, call: Call): Promise<Failure | undefined> {
    const { size } = this.#descriptor;
    let current = session;
    const limit = this.#chunkBytes === undefined ? size : Math.max(this.#chunkBytes, session.minChunkBytes);
    if (current.offset === 0 && size <= limit) return await this.#finish(current, { from: 0, to: size }, call);
    while (current.offset < size) {
      const to = Math.min(current.offset + limit, size);
      const answer = await this.#send("PATCH", { session: current, from: current.offset, to }, call);
      if (answer.status < 200 || answer.status > 299) return await this.#failure(answer);
      await answer.drain();
      const end = readRange(answer.headers) ?? to;
      if (end <= current.offset || end > size) {
        throw broken(`took bytes up to ${end}, expected ${to}`, this.#doing(), this.#place.kit);
      }
      current = this.#session = this.#readSession(answer, end, current);
    }
    return await this.#finish(current, { from: size, to: size }, call);
  }

  async #finish(session: UploadSession, part: Part, call: Call): Promise<Failure | undefined> {
    const answer = await this.#send("PUT", { session, ...part }, call);
    if (answer.status !== 202 && answer.status >= 200 && answer.status <= 299) {
      await answer.drain();
      this.#session = undefined;
      checkDigest(answer, { expected: this.#descriptor.digest, doing: this.#doing(), kit: this.#place.kit });
      return undefined;
    }
    return await this.#failure(answer);
  }

  async #send(method: "PATCH" | "PUT", part: Part & { readonly session: UploadSession }, call: Call): Promise<Answer> {
    const { session, from, to } = part;
    const location = new URL(session.location);
    // Its own query stays as it is: it may be signed.
    if (method === "PUT") location.search += `${location.search === "" ? "?" : "&"}digest=${this.#descriptor.digest}`;
    const headers = {
      "content-type": "application/octet-stream",
      ...(method === "PATCH" ? { "content-range": `${from}-${to - 1}` } : {}),
    };
    this.#session = { ...session, isCut: true };
    const body = await this.#body(from, to);
    return await this.#place.client.send({ ...this.#request(method, location), headers, body, attempts: 1 }, call);
  }

  async #body(from: number, to: number): Promise<Body> {
    const size = to - from;
    if (size === 0 && from > 0) return new Uint8Array();
    if (size <= smallBytes && size === this.#descriptor.size) return await this.#content.collect();
    return { size, open: () => this.#content.slice(from, to) };
  }

  async #failure(answer: Answer): Promise<Failure> {
    const { status } = answer;
    const retryAfter = answer.headers.get("retry-after");
    const error = await this.#place.client.refusal(answer, this.#request("PUT", ""));
    const isTooLarge = status === 413 && this.#chunkBytes === undefined && this.#descriptor.size > fallbackChunkBytes;
    if (isTooLarge) this.#chunkBytes = fallbackChunkBytes;
    // The range or the session is not what the server has; it is asked.
    const isPassing = isRetried(status) || isTooLarge || status === 416 ||
      (status === 404 && hasCode(error, "NOT_FOUND"));
    return { error, isPassing, retryAfter };
  }

  #readSession(answer: Answer, offset: number, before?: UploadSession): UploadSession {
    const { client, kit } = this.#place;
    return readLocation(answer, { offset, before, doing: this.#doing(), isInternal: client.isInternal, kit });
  }

  #doing(): { readonly doing: string; readonly host: string } {
    return { doing: this.#request("PUT", "").doing, host: this.#place.client.endpoint.host };
  }

  #request(method: string, at: string | URL): RegistryRequest {
    const { client, scopes } = this.#place;
    const { host, repository } = client.endpoint;
    return { method, at, scopes, doing: `push "${this.#descriptor.digest}" to "${host}/${repository}"` };
  }
}

/** Tells a registry that an upload will not go on. What it answers does not matter. */
export async function cancelSession(
  { location }: UploadSession,
  { client, scopes }: Pick<UploadPlace, "client" | "scopes">,
): Promise<void> {
  const request = { method: "DELETE", at: location, scopes, doing: "cancel an upload", attempts: 1 };
  const call: Call = { signal: AbortSignal.timeout(cancelMs), emit: () => {} };
  await client.send(request, call).then((answer) => answer.drain(), () => {});
}

/** Milliseconds that cancelling may take. */
const cancelMs = 2000;

interface Part {
  readonly from: number;
  readonly to: number;
}

interface Failure {
  readonly error: unknown;
  /** Whether another attempt may go better. */
  readonly isPassing: boolean;
  readonly retryAfter: string | null;
}
