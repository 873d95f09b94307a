import { assert, assertEquals, assertThrows } from "@std/assert";
import { createTempEngine } from "../../../tests/helpers/temp_engine.ts";
import type { Call } from "../../contract/call.ts";
import { EngineError } from "../../errors.ts";
import type { FaceHost } from "../context.ts";
import { Jobs } from "./job.ts";

async function makeHost(): Promise<FaceHost & AsyncDisposable & { readonly stop: AbortController }> {
  const engine = await createTempEngine();
  const stop = new AbortController();
  const works: Promise<void>[] = [];
  return {
    engine,
    isReadonly: false,
    signal: stop.signal,
    stop,
    ending: stop.signal,
    contextRoots: [],
    track: (work) => void works.push(work),
    callOf: () => ({ signal: stop.signal, emit: () => {} }),
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all(works);
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Work that ends when it is aborted. */
function untilAborted({ signal }: Call): Promise<object> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

Deno.test("Jobs run work, keep what it tells and gives, and say how it failed", async () => {
  await using host = await makeHost();
  const jobs = new Jobs(host, "build");
  const done = jobs.start({
    kind: "build",
    title: "app",
    run({ emit }): Promise<object> {
      emit({ type: "step-log", step: "1", stream: "stdout", data: new TextEncoder().encode("hello") });
      return Promise.resolve({ id: "x" });
    },
  });
  await done.ended;
  assertEquals(done.log.lines().map(({ text }) => JSON.parse(text)), [
    { type: "step-log", step: "1", stream: "stdout", data: "hello" },
    { result: { id: "x" } },
  ]);
  const { state, result, events } = done.view();
  assertEquals([state, result, events], ["done", { id: "x" }, 2]);

  const error = new EngineError("STEP_FAILED", "Cannot run", { detail: { exitCode: 3 }, hint: "Look" });
  const failed = jobs.start({ kind: "build", title: "b", run: () => Promise.reject(error) });
  await failed.ended;
  const problem = failed.view().error;
  assertEquals([failed.view().state, problem?.status, problem?.hint, problem?.facts], ["failed", 422, "Look", {
    exitCode: 3,
  }]);
  const bug = jobs.start({ kind: "build", title: "c", run: () => Promise.reject(new TypeError("x is undefined")) });
  await bug.ended;
  assertEquals([bug.view().state, bug.view().error?.code], ["failed", "INTERNAL"]);
  assertEquals(jobs.list().map(({ id }) => id), [bug.id, failed.id, done.id]);
  assertThrows(() => jobs.find("other"), EngineError, 'Cannot find build "other"');
});

Deno.test("Jobs refuse more work than may be done at once, end what is canceled, and all when the server stops", async () => {
  await using host = await makeHost();
  const jobs = new Jobs(host, "build");
  const started = Array.from({ length: 64 }, () => jobs.start({ kind: "build", title: "a", run: untilAborted }));
  const refused = assertThrows(() => jobs.start({ kind: "build", title: "b", run: untilAborted }), EngineError);
  assertEquals(refused.detail["httpStatus"], 429);
  started[0]?.cancel();
  await started[0]?.ended;
  assertEquals(started[0]?.view().state, "canceled");
  jobs.start({ kind: "build", title: "c", run: untilAborted });
  host.stop.abort();
  await Promise.all(started.map((job) => job.ended));
  assert(started.every((job) => job.view().state === "canceled"));
});

Deno.test("Jobs forget the oldest that have ended, and the events of old ones before that", async () => {
  await using host = await makeHost();
  const jobs = new Jobs(host, "build");
  const data = new Uint8Array(4 * 1024 * 1024).fill(97);
  const run = ({ emit }: Call): Promise<object> => {
    emit({ type: "step-log", step: "1", stream: "stdout", data });
    return Promise.resolve({});
  };
  for (let n = 0; n < 20; n++) await jobs.start({ kind: "build", title: `${n}`, run }).ended;
  await Promise.resolve();
  const kept = jobs.list().reduce((sum, { log }) => sum + log.length, 0);
  assert(kept <= 33 * 1024 * 1024, `${kept}`);
  assertEquals(jobs.list().at(-1)?.view().dropped, 1);
  for (let n = 0; n < 300; n++) await jobs.start({ kind: "build", title: "x", run: () => Promise.resolve({}) }).ended;
  await Promise.resolve();
  assertEquals(jobs.list().length, 200);
});
