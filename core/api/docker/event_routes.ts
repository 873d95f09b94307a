import { Hono } from "hono";
import type { ApiContext, ApiEnv } from "../context.ts";
import { dockerError } from "./error.ts";
import { encodeEvent, type ImageEvent, meetsFilters } from "./event_log.ts";
import type { DockerHost } from "./host.ts";
import { readFilters } from "./query.ts";

/** Most events that wait for a client which reads slowly; it is told no more then. */
const maxWaiting = 10_000;

/** What happened to images, and what happens. */
export function eventRoutes(host: DockerHost): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get("/events", (c) => {
    const since = readTime(c, "since");
    const until = readTime(c, "until");
    if (until !== undefined && until < (since ?? 0n)) {
      const [from, to] = [c.req.query("since"), c.req.query("until")];
      throw dockerError(400, `\`since\` time (${from}) cannot be after \`until\` time (${to})`);
    }
    const filters = readFilters(c, undefined);
    const isWanted = (event: ImageEvent): boolean => meetsFilters(event, filters);
    const past = since === undefined && until === undefined ? [] : host.events.list().filter((event) => {
      return isWanted(event) && event.time >= (since ?? 0n) && (until === undefined || event.time <= until);
    });
    const now = BigInt(host.engine.clock().getTime()) * 1_000_000n;
    const waitMs = until === undefined ? undefined : Number((until - now) / 1_000_000n);
    const body = eventStream(host, c, { past, isWanted, waitMs });
    return new Response(body, { headers: { "content-type": "application/json" } });
  });
}

interface Wanted {
  readonly past: readonly ImageEvent[];
  /** How long to tell of what happens; for ever when undefined. */
  readonly waitMs: number | undefined;
  isWanted(event: ImageEvent): boolean;
}

function eventStream(host: DockerHost, c: ApiContext, wanted: Wanted): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { past, waitMs, isWanted } = wanted;
  const encoder = new TextEncoder();
  const signal = AbortSignal.any([host.callOf(c).signal, host.ending]);
  const stack = new DisposableStack();
  return new ReadableStream({
    start(controller): void {
      const end = (): void => {
        if (stack.disposed) return;
        stack.dispose();
        controller.close();
      };
      for (const event of past) controller.enqueue(encoder.encode(encodeEvent(event)));
      if (signal.aborted || (waitMs !== undefined && waitMs <= 0)) return end();
      stack.use(host.events.listen((event) => {
        if (!isWanted(event)) return;
        if ((controller.desiredSize ?? 0) < -maxWaiting) return end();
        controller.enqueue(encoder.encode(encodeEvent(event)));
      }));
      signal.addEventListener("abort", end);
      stack.defer(() => signal.removeEventListener("abort", end));
      if (waitMs === undefined) return;
      const timer = setTimeout(end, Math.min(waitMs, 2 ** 31 - 1));
      stack.defer(() => clearTimeout(timer));
    },
    cancel: () => stack.dispose(),
  });
}

/** A time of the query in nanoseconds: seconds since the Unix epoch, with a fraction or without. */
function readTime(c: ApiContext, name: string): bigint | undefined {
  const text = c.req.query(name) ?? "";
  if (text === "") return undefined;
  const [, seconds, fraction = ""] = /^([0-9]{1,12})(?:\.([0-9]{1,9}))?$/.exec(text) ?? [];
  if (seconds === undefined) {
    throw dockerError(400, `invalid value for '${name}': "${text.slice(0, 60)}" is no Unix time`);
  }
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}
