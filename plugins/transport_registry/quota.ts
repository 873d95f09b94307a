import type { Quota } from "../../core/contract/mod.ts";

/**
 * What an answer tells of how much may still be read, as Docker Hub does: `ratelimit-limit: 100;w=21600` and
 * `ratelimit-remaining: 76;w=21600`. Undefined when it tells nothing.
 */
export function readQuota(headers: Headers): Quota | undefined {
  const limit = readCount(headers.get("ratelimit-limit"));
  const remaining = readCount(headers.get("ratelimit-remaining"));
  if (limit === undefined || remaining === undefined) return undefined;
  const [, window] = /;\s*w=(\d{1,9})/.exec(headers.get("ratelimit-limit") ?? "") ?? [];
  return { limit, remaining, ...(window === undefined ? {} : { windowSeconds: Number(window) }) };
}

function readCount(text: string | null): number | undefined {
  const [, count] = /^\s*(\d{1,12})\s*(?:;|,|$)/.exec(text ?? "") ?? [];
  return count === undefined ? undefined : Number(count);
}
