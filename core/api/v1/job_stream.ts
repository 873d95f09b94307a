import type { ByteStream } from "../../contract/call.ts";
import type { ApiContext } from "../context.ts";
import type { JobLine, JobLog } from "./job_log.ts";

/** A way in which events are sent. */
interface Format {
  readonly type: string;
  encode(line: JobLine): string;
  /** What says that somebody is still there; undefined where there is no such thing. */
  readonly sign: string | undefined;
}

const formats: readonly Format[] = [
  { type: "application/x-ndjson", encode: ({ text }) => `${text}\n`, sign: undefined },
  {
    // HTML Living Standard, "Server-sent events".
    type: "text/event-stream",
    encode: ({ at, type, text }) => `id: ${at}\nevent: ${type}\ndata: ${text}\n\n`,
    sign: ": still at work\n\n",
  },
];

/** Milliseconds after which a reader is shown that the server is still there. */
const signMs = 15_000;

/** The way in which a client wants events: the first one that `Accept` names; undefined when it names none. */
export function eventFormat(c: ApiContext): Format | undefined {
  const wanted = (c.req.header("accept") ?? "").split(",").map((part) => part.split(";")[0]?.trim().toLowerCase());
  return wanted.map((type) => formats.find((format) => format.type === type)).find((format) => format !== undefined);
}

/** Events as they are sent to who names no way. */
export const usualFormat: Format = formats[0] ?? { type: "", encode: ({ text }) => text, sign: undefined };

/** How events are sent. */
export interface EventAnswer {
  readonly log: JobLog;
  readonly format: Format;
  /** Number of the first one that is wanted. */
  readonly from: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when the client goes away before the end. */
  readonly onLeave?: () => void;
}

/** An answer that gives the events of a job until it ends. */
export function answerEvents({ log, format, from, headers = {}, onLeave }: EventAnswer): Response {
  return new Response(streamEvents(log, { format, from, onLeave }), {
    headers: { "Content-Type": format.type, "Cache-Control": "no-store", "X-Accel-Buffering": "no", ...headers },
  });
}

/** Number of the event after the last one that a client has seen (HTML Living Standard, "The Last-Event-ID header"). */
export function firstEvent(c: ApiContext): number {
  const last = c.req.header("last-event-id") ?? "";
  return /^[0-9]{1,15}$/.test(last) ? Number(last) + 1 : 0;
}

function streamEvents(
  log: JobLog,
  { format, from, onLeave }: {
    readonly format: Format;
    readonly from: number;
    readonly onLeave: (() => void) | undefined;
  },
): ByteStream {
  const stop = new AbortController();
  const batches = log.follow(from, stop.signal);
  const encoder = new TextEncoder();
  let reading: Promise<IteratorResult<readonly JobLine[], void>> | undefined;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      reading ??= batches.next();
      const next = await withSign(reading, format.sign);
      if (typeof next === "string") return controller.enqueue(encoder.encode(next));
      reading = undefined;
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value.map(format.encode).join("")));
    },
    cancel(): void {
      stop.abort();
      onLeave?.();
    },
  }, { highWaterMark: 0 });
}

/** What is read, or the sign when that takes long. */
async function withSign<T>(reading: Promise<T>, sign: string | undefined): Promise<T | string> {
  if (sign === undefined) return await reading;
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(sign), signMs);
  try {
    return await Promise.race([reading, promise]);
  } finally {
    clearTimeout(timer);
  }
}
