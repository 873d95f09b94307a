import type { ByteStream } from "../../core/contract/mod.ts";
import type { Watchdog } from "./watchdog.ts";

/** Bytes to send that are read as they go out; exactly `size` of them. */
export interface StreamedBody {
  /** Number of bytes. */
  readonly size: number;
  /** Opens them, again for each attempt. */
  readonly open: () => Promise<ByteStream>;
}

/** Bytes to send. */
export type Body = Uint8Array<ArrayBuffer> | StreamedBody;

/** One request as it goes out. */
export interface Outgoing {
  /** HTTP method. */
  readonly method: string;
  /** Where to. */
  readonly url: URL;
  /** Headers with lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is sent; nothing when undefined. */
  readonly body: Body | undefined;
  /** Aborts the request, and the body of its answer. */
  readonly signal: AbortSignal;
  /** Watches the server while a streamed body goes out; paused while the body is read. */
  readonly watchdog: Pick<Watchdog, "touch" | "pause">;
}

/** An answer as it comes in. */
export interface Incoming {
  /** HTTP status. */
  readonly status: number;
  /** Headers. */
  readonly headers: Headers;
  /** Body as stored, never decoded; null when there is none. */
  readonly body: ByteStream | null;
}

/**
 * Sends one request, follows nothing. Rejects with whatever the network gave when there is no answer, and with what reading the
 * body to send rejected with.
 */
export type Exchange = (outgoing: Outgoing) => Promise<Incoming>;

/** Whether a body is read as it goes out. */
export function isStreamed(body: Body | undefined): body is StreamedBody {
  return body !== undefined && !(body instanceof Uint8Array);
}

/** An exchange through `fetch`, which holds connections open; `client` has what differs from the defaults. */
export function fetchExchange(client: Deno.HttpClient | undefined): Exchange {
  return async ({ method, url, headers, body, signal }) => {
    if (isStreamed(body)) throw new TypeError("fetch gives a streamed body no length");
    return await fetch(url, {
      method,
      // Given explicitly, so that nothing is decoded on the way.
      headers: { "accept-encoding": "identity", ...headers },
      redirect: "manual",
      signal,
      ...(body === undefined ? {} : { body }),
      ...(client === undefined ? {} : { client }),
    });
  };
}
