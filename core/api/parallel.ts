import type { MiddlewareHandler } from "hono";
import type { ApiEnv } from "./context.ts";
import { httpError } from "./status.ts";

/**
 * How many requests of one client are worked on at once, and how many more wait for that.
 *
 * @example Four at once, a hundred in line
 * ```ts
 * import type { ParallelLimit } from "@strata/strata/api";
 *
 * const limit: ParallelLimit = { working: 4, waiting: 100 };
 * console.log(limit.working);
 * ```
 */
export interface ParallelLimit {
  /** Requests that are worked on at once. */
  readonly working: number;
  /** Requests that wait for that. */
  readonly waiting: number;
}

interface Client {
  working: number;
  readonly waiting: (() => void)[];
}

/**
 * Works on so many requests of a client at once; more wait in line, and those that find the line full get status 429. A request counts until
 * its answer has been sent, where the server tells.
 */
export function limitParallel(limit: ParallelLimit): MiddlewareHandler<ApiEnv> {
  const clients = new Map<string, Client>();
  return async (c, next) => {
    const name = c.env?.client ?? "";
    const client = clients.get(name) ?? { working: 0, waiting: [] };
    clients.set(name, client);
    const release = (): void => {
      const first = client.waiting.shift();
      if (first !== undefined) first();
      else if (--client.working === 0) clients.delete(name);
    };
    if (client.working < limit.working) client.working++;
    else await waitInLine(client, limit);
    const { completed } = c.env ?? {};
    try {
      await next();
    } finally {
      if (completed === undefined) release();
      else completed.then(release, release);
    }
  };
}

async function waitInLine(client: Client, { waiting }: ParallelLimit): Promise<void> {
  if (client.waiting.length >= waiting) {
    throw httpError(429, "DENIED", "Cannot answer: too many requests of this client are under way", {
      hint: "Send fewer requests at once",
    });
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  client.waiting.push(resolve);
  await promise;
}
