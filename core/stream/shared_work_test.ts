import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import type { Call } from "../contract/call.ts";
import { SharedWork } from "./shared_work.ts";

function callOf(): Call & { readonly controller: AbortController } {
  const controller = new AbortController();
  return { controller, signal: controller.signal, emit: () => {} };
}

/** Work that ends when it is told, or is canceled. */
function openWork(): {
  readonly work: (call: Call) => Promise<number>;
  readonly signals: AbortSignal[];
  end(value: number): void;
} {
  const signals: AbortSignal[] = [];
  const { promise, resolve } = Promise.withResolvers<number>();
  const work = (call: Call): Promise<number> => {
    signals.push(call.signal);
    const canceled = new Promise<never>((_, reject) =>
      call.signal.addEventListener("abort", () => reject(new EngineError("CANCELED", "Cannot work")))
    );
    return Promise.race([promise, canceled]);
  };
  return { work, signals, end: resolve };
}

Deno.test("SharedWork does the work of a key once and keeps what it gives", async () => {
  const shared = new SharedWork<string, number>();
  let count = 0;
  const work = () => Promise.resolve(++count);
  const [a, b] = await Promise.all([shared.get("a", work, callOf()), shared.get("a", work, callOf())]);
  assertEquals([a, b, await shared.get("a", work, callOf())], [1, 1, 1]);
  assertEquals(await shared.get("b", work, callOf()), 2);
  shared.forget("a");
  assertEquals(await shared.get("a", work, callOf()), 3);
  await shared.clear();
  assertEquals(await shared.get("b", work, callOf()), 4);
});

Deno.test("SharedWork tells all who wait of a failure, and tries again for the next", async () => {
  const shared = new SharedWork<string, number>();
  const fail = () => Promise.reject(new EngineError("NOT_FOUND", "Cannot find it"));
  const both = [shared.get("a", fail, callOf()), shared.get("a", fail, callOf())];
  assertEquals((await Promise.allSettled(both)).map(({ status }) => status), ["rejected", "rejected"]);
  assertEquals(await shared.get("a", () => Promise.resolve(1), callOf()), 1);
});

Deno.test("SharedWork goes on when the caller who began gives up", async () => {
  const shared = new SharedWork<string, number>();
  const { work, signals, end } = openWork();
  const [first, second] = [callOf(), callOf()];
  const given = [shared.get("a", work, first), shared.get("a", work, second)];
  first.controller.abort();
  await assertRejects(() => given[0] ?? Promise.resolve(), EngineError, "canceled");
  end(5);
  assertEquals(await given[1], 5);
  assertEquals(signals.map(({ aborted }) => aborted), [false]);
});

Deno.test("SharedWork is canceled when the last caller gives up, and begun anew for the next", async () => {
  const shared = new SharedWork<string, number>();
  const { work, signals, end } = openWork();
  const calls = [callOf(), callOf()];
  const given = calls.map((call) => shared.get("a", work, call));
  for (const { controller } of calls) controller.abort();
  // The next one comes while the canceled work is still ending.
  const next = shared.get("a", work, callOf());
  for (const each of given) await assertRejects(() => each, EngineError, "canceled");
  end(7);
  assertEquals(await next, 7);
  assertEquals(signals.map(({ aborted }) => aborted), [true, false]);
  await shared.idle();
});

Deno.test("SharedWork is at rest when work that was given up has ended", async () => {
  const shared = new SharedWork<string, number>();
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<number>();
  const call = callOf();
  const given = shared.get("a", () => promise.finally(() => order.push("ended")), call);
  call.controller.abort();
  await assertRejects(() => given, EngineError);
  const idle = shared.idle().then(() => order.push("idle"));
  resolve(1);
  await idle;
  assertEquals(order, ["ended", "idle"]);
});

Deno.test("SharedWork begins nothing for a caller who has given up", async () => {
  const call = callOf();
  call.controller.abort();
  let count = 0;
  await assertRejects(
    () => new SharedWork<string, number>().get("a", () => Promise.resolve(++count), call),
    EngineError,
  );
  assertEquals(count, 0);
});
