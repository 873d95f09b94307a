import type { ByteStream, Call, Descriptor, Kit } from "../../core/contract/mod.ts";
import type { Answer } from "./answer.ts";
import { blobPath, type RegistryClient, type RegistryRequest, repositoryScope } from "./client.ts";
import { broken, canceled, hasCode } from "./failure.ts";
import { isRetried, retryDelay, wait, withAttempt } from "./retry.ts";
import type { Settings } from "./settings.ts";

/** Where a blob is read from, and how. */
export interface BlobPlace {
  /** The server. */
  readonly client: RegistryClient;
  /** Path below the repository, when it is not that of a blob. */
  readonly path?: string;
  /** First byte that is wanted. */
  readonly offset: number;
  /** Bounds of trying again. */
  readonly settings: Settings;
  /** Makes errors. */
  readonly kit: Kit;
}

/** Bytes that are put together before they are given: each chunk costs all who handle it more than copying does. */
const gatherBytes = 128 * 1024;
/** Most milliseconds that bytes wait for more. */
const gatherMs = 50;

/**
 * The bytes of a blob from an offset on. A connection that is cut goes on where it was, as long as every attempt brings something.
 * Rejects `NOT_FOUND` and what the client rejects with; the stream errors likewise.
 */
export async function openBlob(descriptor: Descriptor, place: BlobPlace, call: Call): Promise<ByteStream> {
  const reader = new BlobReader(descriptor, place, call);
  await reader.start();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const chunk = await reader.gather();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: () => reader.close(),
  }, { highWaterMark: 0 });
}

class BlobReader {
  readonly #descriptor: Descriptor;
  readonly #place: BlobPlace;
  readonly #call: Call;
  #position: number;
  #failures = 0;
  #answer: Answer | undefined;
  /** Read, but not given yet. */
  #rest: Uint8Array<ArrayBuffer> | undefined;
  #failure: { readonly cause: unknown } | undefined;

  constructor(descriptor: Descriptor, place: BlobPlace, call: Call) {
    this.#descriptor = descriptor;
    this.#place = place;
    this.#call = call;
    this.#position = place.offset;
  }

  /** Asks for the first bytes, so that what is not there is told at once. */
  async start(): Promise<void> {
    if (this.#position > 0 && this.#position >= this.#descriptor.size) return;
    this.#answer = await this.#ask(await this.#place.client.send(this.#request(), this.#call));
  }

  /** The next bytes, as many as come soon; undefined at the end. What came before a failure is given before it. */
  async gather(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const failure = this.#failure;
    if (failure !== undefined) throw failure.cause;
    const first = await this.#read();
    if (first === undefined) return undefined;
    const until = performance.now() + gatherMs;
    const bytes = new Uint8Array(Math.max(gatherBytes, first.length));
    bytes.set(first);
    let size = first.length;
    try {
      while (size < bytes.length && performance.now() < until) {
        const chunk = await this.#read();
        if (chunk === undefined) break;
        const fitting = chunk.subarray(0, bytes.length - size);
        bytes.set(fitting, size);
        size += fitting.length;
        if (fitting.length < chunk.length) this.#rest = chunk.subarray(fitting.length);
      }
    } catch (cause) {
      this.#failure = { cause };
    }
    return bytes.subarray(0, size);
  }

  async #read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) return rest;
    while (true) {
      try {
        const chunk = await this.#answer?.read();
        if (chunk === undefined && this.#isCut()) throw this.#cut();
        this.#position += chunk?.length ?? 0;
        if (chunk !== undefined) this.#failures = 0;
        if (chunk?.length === 0) continue;
        return chunk;
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#answer?.discard();
  }

  /** Asks again from where it is, unless there is no hope; the next failure is counted by the next read. */
  async #recover(error: unknown): Promise<void> {
    const { client, settings, kit } = this.#place;
    if (!hasCode(error, "NETWORK_FAILED")) throw error;
    let failure = error;
    let retryAfter: string | null = null;
    while (true) {
      this.#failures++;
      const delay = retryDelay(this.#failures, retryAfter, settings);
      if (this.#failures >= settings.attempts || delay === undefined) throw withAttempt(failure, this.#failures, kit);
      await wait(delay, this.#call.signal);
      if (this.#call.signal.aborted) throw canceled(this.#request(), this.#call.signal, kit);
      try {
        const answer = await client.send({ ...this.#request(), attempts: 1 }, this.#call);
        retryAfter = answer.headers.get("retry-after");
        if (isRetried(answer.status)) failure = await client.refusal(answer, this.#request());
        else {
          this.#answer = await this.#ask(answer);
          return;
        }
      } catch (again) {
        if (!hasCode(again, "NETWORK_FAILED")) throw again;
        failure = again;
      }
    }
  }

  #request(): RegistryRequest {
    const { client, path = blobPath(this.#descriptor.digest) } = this.#place;
    const { host, repository } = client.endpoint;
    return {
      method: "GET",
      at: path,
      headers: {
        "accept-encoding": "identity",
        ...(this.#position === 0 ? {} : { range: `bytes=${this.#position}-` }),
      },
      scopes: [repositoryScope(repository, "pull")],
      doing: `read "${this.#descriptor.digest}" of "${host}/${repository}"`,
    };
  }

  /** Checks that an answer starts where it should; skips what comes before. */
  async #ask(answer: Answer): Promise<Answer | undefined> {
    const { client, kit } = this.#place;
    const request = this.#request();
    // There is nothing behind the position.
    if (answer.status === 416 && this.#position > 0) return void await answer.drain();
    if (answer.status === 200) {
      await this.#skip(answer, this.#position);
      return answer;
    }
    if (answer.status !== 206 || this.#position === 0) throw await client.refusal(answer, request);
    const [, start] = /^\s*bytes\s+(\d+)-\d+\/(?:\d+|\*)\s*$/i.exec(answer.headers.get("content-range") ?? "") ?? [];
    if (start === undefined || Number(start) > this.#position) {
      await answer.discard();
      throw broken(
        `gave another part of it than was asked for`,
        { doing: request.doing, host: client.endpoint.host },
        kit,
      );
    }
    await this.#skip(answer, this.#position - Number(start));
    return answer;
  }

  /** Whether an end is no end: without a length, a lost connection looks like one. That content is too short is told by who checks it. */
  #isCut(): boolean {
    const isCounted = this.#answer === undefined || this.#answer.headers.has("content-length");
    return !isCounted && this.#position < this.#descriptor.size;
  }

  async #skip(answer: Answer, count: number): Promise<void> {
    let left = count;
    while (left > 0) {
      const chunk = await answer.read();
      if (chunk === undefined) throw this.#cut();
      left -= chunk.length;
      if (left < 0) answer.putBack(chunk.subarray(left));
    }
  }

  #cut(): Error {
    const { client, kit } = this.#place;
    const state = `the connection ended after ${this.#position} of ${this.#descriptor.size} bytes`;
    return kit.error("NETWORK_FAILED", `Cannot ${this.#request().doing}: ${state}`, {
      detail: { host: client.endpoint.host },
      hint: "Check the network, then try again",
    });
  }
}
