import { assert, assertEquals } from "@std/assert";
import { type JobLine, JobLog } from "./job_log.ts";

const never = new AbortController().signal;

async function read(log: JobLog, from: number): Promise<readonly JobLine[]> {
  const lines: JobLine[] = [];
  for await (const batch of log.follow(from, never)) lines.push(...batch);
  return lines;
}

Deno.test("JobLog gives every reader all events in order, those before it and those to come", async () => {
  const log = new JobLog();
  log.add("a", { n: 0 });
  const [first, second] = [read(log, 0), read(log, 1)];
  log.add("b", { n: 1 });
  await Promise.resolve();
  log.add("result", { n: 2 });
  log.end();
  assertEquals((await first).map(({ at, type }) => `${at} ${type}`), ["0 a", "1 b", "2 result"]);
  assertEquals((await second).map(({ text }) => text), ['{"n":1}', '{"n":2}']);
  assertEquals(await read(log, 3), []);
});

Deno.test("JobLog keeps the newest events in bounds, and tells a reader how many are gone", async () => {
  const log = new JobLog();
  const data = "x".repeat(100_000);
  for (let n = 0; n < 500; n++) log.add("step-log", { n, data });
  log.end();
  assert(log.length <= 8 * 1024 * 1024 && log.length > 3 * 1024 * 1024, `${log.length}`);
  const lines = await read(log, 0);
  const { code, message } = JSON.parse(lines[0]?.text ?? "");
  assertEquals([code, message], ["EventsDropped", `${log.dropped} events are not kept any more`]);
  assertEquals(
    lines.slice(1).map(({ at }) => at),
    Array.from({ length: 500 - log.dropped }, (_, n) => log.dropped + n),
  );
  assertEquals([log.count, JSON.parse(lines.at(-1)?.text ?? "").n], [500, 499]);
  log.clear();
  assertEquals(log.lines().map(({ at }) => at), [499]);
});

Deno.test("JobLog lets go of a reader that gives up", async () => {
  const controller = new AbortController();
  const reading = Array.fromAsync(new JobLog().follow(0, controller.signal));
  controller.abort();
  assertEquals(await reading, []);
});
