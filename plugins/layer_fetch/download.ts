import type { ByteStream, Descriptor, Kit, LayerContext } from "../../core/contract/mod.ts";
import { type FetchArgs, showUrl } from "./args.ts";
import type { FetchLimits } from "./limits.ts";
import { requestFile } from "./request.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";

/** A downloaded file. */
export interface Downloaded {
  /** Its bytes, in the scratch. Annotations hold what revalidates it. */
  readonly content: Descriptor;
  /** Seconds since the Unix epoch, from Last-Modified; undefined when the server does not tell. */
  readonly modifiedAt: number | undefined;
}

/** What a download needs. */
export interface DownloadEnvironment {
  /** Help from core. */
  readonly kit: Kit;
  /** What the step was given. */
  readonly context: LayerContext;
  /** Bounds. */
  readonly limits: FetchLimits;
}

const attempts = 3;
/** Annotations of remembered content. */
const etagKey = "strata.fetch.etag";
const modifiedKey = "strata.fetch.last-modified";

/**
 * Downloads a file, or takes what an earlier build downloaded when the server says that it is still the same. A
 * connection that fails or falls silent is tried twice more. Throws `NETWORK_FAILED` when it keeps failing,
 * `REMOTE_FAILED` for an answer other than success, `INVALID_ARGUMENT` when the file is too big, `CANCELED`.
 */
export async function download({ url }: FetchArgs, environment: DownloadEnvironment): Promise<Downloaded> {
  const { kit, context, limits } = environment;
  const key = `url:${await kit.sha256(url.href)}`;
  const known = await context.scratch.recall(key);
  for (let attempt = 1;; attempt++) {
    try {
      const content = await runAttempt(url, { attempt, known }, environment);
      if (content !== known && content.annotations !== undefined) await context.scratch.remember(key, content);
      return { content, modifiedAt: readTime(content.annotations?.[modifiedKey]) };
    } catch (error) {
      if (context.signal.aborted) {
        throw kit.error("CANCELED", "Cannot download: the build was canceled", { cause: error });
      }
      if (attempt === attempts || !isNetworkFailure(error)) throw error;
    }
    await wait(limits.retryDelayMs * 4 ** (attempt - 1), context.signal);
  }
}

interface Try {
  /** Counts from 1. */
  readonly attempt: number;
  /** What an earlier build downloaded. */
  readonly known: Descriptor | undefined;
}

async function runAttempt(url: URL, { attempt, known }: Try, environment: DownloadEnvironment): Promise<Descriptor> {
  using watchdog = createWatchdog(environment.limits.idleTimeoutMs, environment.context.signal);
  return await new Attempt({ url, watchdog, attempt }, environment).run(known);
}

function isNetworkFailure(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "NETWORK_FAILED";
}

class Attempt {
  readonly #url: URL;
  readonly #watchdog: Watchdog;
  readonly #attempt: number;
  readonly #environment: DownloadEnvironment;

  constructor(
    { url, watchdog, attempt }: { readonly url: URL; readonly watchdog: Watchdog; readonly attempt: number },
    environment: DownloadEnvironment,
  ) {
    this.#url = url;
    this.#watchdog = watchdog;
    this.#attempt = attempt;
    this.#environment = environment;
  }

  async run(known: Descriptor | undefined): Promise<Descriptor> {
    const response = await this.#send(known);
    if (response.status === 304 && known !== undefined) {
      await response.body?.cancel();
      return known;
    }
    if (response.status !== 200) throw await this.#refused(response);
    const length = readLength(response);
    const { maxBytes } = this.#environment.limits;
    if (length !== undefined && length > maxBytes) {
      await response.body?.cancel();
      throw this.#tooBig(length);
    }
    const content = await this.#ingest(response.body ?? new Blob([]).stream(), length);
    const etag = response.headers.get("etag");
    const modified = response.headers.get("last-modified");
    if (etag === null && modified === null) return content;
    const annotations = { ...(etag && { [etagKey]: etag }), ...(modified && { [modifiedKey]: modified }) };
    return { ...content, annotations };
  }

  async #send(known: Descriptor | undefined): Promise<Response> {
    const etag = known?.annotations?.[etagKey];
    const modified = known?.annotations?.[modifiedKey];
    const conditions = { ...(etag && { "if-none-match": etag }), ...(modified && { "if-modified-since": modified }) };
    const { kit } = this.#environment;
    try {
      return await requestFile({ url: this.#url, conditions, signal: this.#watchdog.signal }, kit);
    } catch (error) {
      // fetch rejects with these when there is no answer; anything else is about the answer.
      if (error instanceof TypeError || error instanceof DOMException) throw this.#interrupted(error);
      throw error;
    }
  }

  async #ingest(body: ByteStream, length: number | undefined): Promise<Descriptor> {
    const { context, limits } = this.#environment;
    let failure: Error | undefined;
    const check = async function* (this: Attempt): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      let size = 0;
      try {
        for await (const chunk of body) {
          size += chunk.length;
          if (size > limits.maxBytes) throw failure = this.#tooBig(size);
          // Storing may take its time; only the server is watched.
          this.#watchdog.pause();
          yield chunk;
          this.#watchdog.touch();
        }
        this.#watchdog.pause();
        if (length !== undefined && size !== length) throw new TypeError(`${size} of ${length} bytes`);
      } catch (error) {
        failure ??= this.#interrupted(error);
        throw failure;
      }
    };
    try {
      return await context.scratch.ingest(ReadableStream.from(check.call(this)), limits.maxBytes);
    } catch (error) {
      throw failure ?? error;
    }
  }

  async #refused(response: Response): Promise<Error> {
    await response.body?.cancel();
    const shown = showUrl(this.#url);
    const { status } = response;
    return this.#environment.kit.error("REMOTE_FAILED", `Cannot download "${shown}": the server answered ${status}`, {
      detail: { status, method: "GET", url: shown },
      hint: hintFor(status),
    });
  }

  #interrupted(error: unknown): Error {
    const shown = showUrl(this.#url);
    const state = this.#watchdog.isIdle ? "the server fell silent" : `the connection failed (${reasonOf(error)})`;
    // The original is left out: its text holds the whole address.
    return this.#environment.kit.error("NETWORK_FAILED", `Cannot download "${shown}": ${state}`, {
      detail: { host: this.#url.host, attempt: this.#attempt },
      hint: "Check the address and the network, then build again",
    });
  }

  #tooBig(size: number): Error {
    const { kit, limits } = this.#environment;
    const message = `Cannot download "${
      showUrl(this.#url)
    }": at least ${size} bytes, expected at most ${limits.maxBytes}`;
    return kit.error("INVALID_ARGUMENT", message, {
      detail: { field: "maxBytes", value: size },
      hint: 'Raise "maxBytes" in the config of layer-fetch',
    });
  }
}

function hintFor(status: number): string {
  if (status === 401 || status === 403) return "Check that the address may be read without logging in";
  return status === 429 || status >= 500 ? "Build again later" : "Check the address";
}

/** What the network said, without the address. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  const parts = text.replace(/\(?\bhttps?:\/\/\S*/gi, "").split(": ");
  return (parts.at(-1) ?? "").trim().slice(0, 200) || "no reason given";
}

function readLength(response: Response): number | undefined {
  const text = response.headers.get("content-length") ?? "";
  return /^\d{1,15}$/.test(text) && response.headers.get("content-encoding") === null ? Number(text) : undefined;
}

function readTime(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) || time < 0 ? undefined : Math.floor(time / 1000);
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
