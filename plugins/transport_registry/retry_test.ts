import { assert, assertEquals } from "@std/assert";
import { isRetried, readRetryAfter, retryDelay, wait } from "./retry.ts";

const settings = { retryDelayMs: 100, maxRetryDelayMs: 60_000 };

Deno.test("isRetried() says yes for what passes with time only", () => {
  const statuses = [200, 206, 301, 400, 401, 403, 404, 405, 408, 409, 413, 416, 429, 500, 501, 502, 503, 504, 505];
  assertEquals(statuses.filter(isRetried), [408, 429, 500, 502, 503, 504]);
});

Deno.test("retryDelay() doubles, with chance in its second half, up to a bound", () => {
  for (const [attempt, longest] of [[1, 100], [2, 200], [3, 400], [9, 25_600], [10, 30_000], [500, 30_000]] as const) {
    const delay = retryDelay(attempt, null, settings) ?? -1;
    assert(delay >= longest / 2 && delay <= longest, `${attempt}: ${delay}`);
  }
});

Deno.test("retryDelay() does as Retry-After says, and gives up when that is too long", () => {
  assertEquals(retryDelay(1, "7", settings), 7000);
  assertEquals(retryDelay(1, "0", settings), 0);
  assertEquals(retryDelay(1, "61", settings), undefined);
  assertEquals(retryDelay(1, new Date(Date.now() + 3_600_000).toUTCString(), settings), undefined);
});

Deno.test("readRetryAfter() reads seconds and dates, and nothing else", () => {
  const soon = readRetryAfter(new Date(Date.now() + 10_000).toUTCString()) ?? -1;
  assert(soon > 8000 && soon <= 10_000);
  assertEquals(readRetryAfter("Wed, 21 Oct 2015 07:28:00 GMT"), 0);
  assertEquals(
    [readRetryAfter(null), readRetryAfter("soon"), readRetryAfter("-5")].map((ms) => ms === undefined || ms === 0),
    [
      true,
      true,
      true,
    ],
  );
});

Deno.test("wait() ends when the signal aborts", async () => {
  const controller = new AbortController();
  const waiting = wait(60_000, controller.signal);
  controller.abort();
  await waiting;
  await wait(60_000, controller.signal);
});
