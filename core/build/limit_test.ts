import { assertEquals, assertRejects } from "@std/assert";
import { createLimit } from "./limit.ts";

Deno.test("createLimit() runs at most that many at once when more are given", async () => {
  const limit = createLimit(2);
  let running = 0;
  let most = 0;
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
  const all = gates.map((gate) =>
    limit(async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
    })
  );
  for (const gate of gates) {
    gate.resolve();
    await Promise.resolve();
  }
  await Promise.all(all);
  assertEquals(most, 2);
});

Deno.test("createLimit() gives the place on when work fails", async () => {
  const limit = createLimit(1);
  await assertRejects(() => limit(() => Promise.reject(new TypeError("x"))), TypeError);
  assertEquals(await limit(() => Promise.resolve(7)), 7);
});
