import { assertEquals } from "@std/assert";
import { readQuota } from "./quota.ts";

Deno.test("readQuota() reads limit, rest and window", () => {
  const headers = new Headers({ "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600" });
  assertEquals(readQuota(headers), { limit: 100, remaining: 76, windowSeconds: 21600 });
  assertEquals(readQuota(new Headers({ "RateLimit-Limit": "5", "RateLimit-Remaining": "0" })), {
    limit: 5,
    remaining: 0,
  });
});

Deno.test("readQuota() gives nothing when a part is missing or no number", () => {
  assertEquals(readQuota(new Headers()), undefined);
  assertEquals(readQuota(new Headers({ "ratelimit-limit": "100" })), undefined);
  assertEquals(readQuota(new Headers({ "ratelimit-limit": "many", "ratelimit-remaining": "1" })), undefined);
});
