import { assertEquals, assertRejects } from "@std/assert";
import type { EngineEvent } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { createCall, startCall } from "./start_call.ts";

function started(step: string): EngineEvent {
  return { type: "step-started", step, name: step };
}

async function stepsOf(events: AsyncIterable<EngineEvent>): Promise<string[]> {
  const steps: string[] = [];
  for await (const event of events) steps.push(event.type === "step-started" ? event.step : event.type);
  return steps;
}

/** Settles when the signal aborts, as a use-case does. */
function untilAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(new EngineError("CANCELED", "stopped")), { once: true });
  return promise;
}

Deno.test("createCall() gives a call that can be listened to when it is told nothing else", () => {
  const events: EngineEvent[] = [];
  const call = createCall({ emit: (event) => events.push(event) });
  call.emit(started("a"));
  assertEquals([call.signal.aborted, events], [false, [started("a")]]);
  createCall().emit(started("b"));
});

Deno.test("startCall() gives every event in order and the result when events come before and while they are read", async () => {
  const call = startCall(async ({ emit }) => {
    emit(started("a"));
    emit(started("b"));
    await Promise.resolve();
    emit(started("c"));
    return 5;
  });
  assertEquals([await stepsOf(call), await call.result], [["a", "b", "c"], 5]);
});

Deno.test("startCall() gives the result when nobody reads the events", async () => {
  const call = startCall(({ emit }) => Promise.resolve(emit(started("a"))).then(() => "done"));
  assertEquals(await call.result, "done");
  assertEquals(await stepsOf(call), ["a"]);
});

Deno.test("startCall() tells an error in the loop after the events, and in the result", async () => {
  const seen: EngineEvent[] = [];
  const call = startCall(({ emit }) => {
    emit(started("a"));
    throw new EngineError("NOT_FOUND", "nothing there");
  });
  await assertRejects(
    async () => {
      for await (const event of call) seen.push(event);
    },
    EngineError,
    "nothing there",
  );
  assertEquals(seen, [started("a")]);
  await assertRejects(() => call.result, EngineError, "nothing there");
});

Deno.test("startCall() leaves no rejection unhandled when nobody looks at a failure", async () => {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  startCall(() => Promise.reject(new Error("nobody looks")));
  await new Promise((resolve) => setTimeout(resolve, 0));
  globalThis.removeEventListener("unhandledrejection", note);
  assertEquals(unhandled, []);
});

Deno.test("startCall() goes on when a loop is left, and another loop reads what is left", async () => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const call = startCall(async ({ emit, signal }) => {
    for (const step of ["a", "b", "c"]) emit(started(step));
    await goOn;
    emit(started("d"));
    return signal.aborted;
  });
  for await (const event of call) if (event.type === "step-started" && event.step === "b") break;
  resolve();
  assertEquals(await call.result, false);
  assertEquals(await stepsOf(call), ["c", "d"]);
});

Deno.test("startCall() is canceled by its signal, and does not start when it has aborted", async () => {
  const controller = new AbortController();
  const call = startCall(({ signal }) => untilAborted(signal), controller);
  controller.abort();
  assertEquals((await assertRejects(() => call.result, EngineError)).code, "CANCELED");
  let isStarted = false;
  const late = startCall(() => Promise.resolve(isStarted = true), controller);
  assertEquals((await assertRejects(() => stepsOf(late), EngineError)).code, "CANCELED");
  assertEquals(isStarted, false);
});

Deno.test("startCall() is canceled and waited for when it is disposed", async () => {
  let hasEnded = false;
  {
    await using _call = startCall(async ({ signal }) => {
      await untilAborted(signal).catch(() => {});
      await Promise.resolve();
      hasEnded = true;
    });
  }
  assertEquals(hasEnded, true);
});

Deno.test("startCall() drops the older half and says so when nobody reads 10,000 events", async () => {
  const call = startCall(({ emit }) => {
    for (let at = 0; at <= 10_000; at++) emit(started(String(at)));
    return Promise.resolve();
  });
  await call.result;
  const events = await Array.fromAsync(call);
  const message = "5000 events were dropped before they were read";
  assertEquals(events.slice(0, 2), [{ type: "warning", code: "EventsDropped", message }, started("5000")]);
  assertEquals([events.length, events.at(-1)], [5002, started("10000")]);
});

Deno.test("startCall() drops the older half when nobody reads 32 MiB of output", async () => {
  const log = (size: number): EngineEvent => ({
    type: "step-log",
    step: "1",
    stream: "stdout",
    data: new Uint8Array(size),
  });
  const call = startCall(({ emit }) => {
    for (let i = 0; i < 6; i++) emit(log(8 * 1024 * 1024 + i));
    return Promise.resolve(1);
  });
  const events = await Array.fromAsync(call);
  const message = "2 events were dropped before they were read";
  assertEquals(events[0], { type: "warning", code: "EventsDropped", message });
  assertEquals(events.slice(1).map((event) => event.type === "step-log" && event.data.length % 1024), [2, 3, 4, 5]);
});

Deno.test("startCall() no longer listens to the signal when the work has ended", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const counted: AbortSignal = new Proxy(signal, {
    get(target, name): unknown {
      if (name === "addEventListener") return (): void => void listeners++;
      if (name === "removeEventListener") return (): void => void listeners--;
      return Reflect.get(target, name, target);
    },
  });
  await startCall(() => Promise.resolve(listeners), { signal: counted }).result;
  assertEquals(listeners, 0);
});
