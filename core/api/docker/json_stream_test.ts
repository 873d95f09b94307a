import { assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { EngineError } from "../../errors.ts";
import type { ApiEnv, FaceHost } from "../context.ts";
import { answerMessages, encodeMessage, errorMessage, maxWaitingBytes, type StreamedWork } from "./json_stream.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

Deno.test("encodeMessage() writes one line of JSON, however the text is broken", () => {
  assertEquals(text(encodeMessage({ stream: 'a\nb\r"\u2028' })), '{"stream":"a\\nb\\r\\"\u2028"}\r\n');
  assertEquals(
    text(encodeMessage({ status: "Pushing", progressDetail: { current: 1, total: 2 }, id: "0123" })),
    '{"status":"Pushing","progressDetail":{"current":1,"total":2},"id":"0123"}\r\n',
  );
});

Deno.test("errorMessage() tells the exit code of a command and docker's words for it", () => {
  const failed = new EngineError("STEP_FAILED", 'Cannot run "/bin/sh -c a "b"": exit code 7', {
    detail: { exitCode: 7 },
  });
  const message = "The command '/bin/sh -c a \"b\"' returned a non-zero code: 7";
  assertEquals(errorMessage(failed), { errorDetail: { code: 7, message }, error: message });
  assertEquals(errorMessage(new Error("x")), { errorDetail: { message: "x" }, error: "x" });
});

async function answer(work: StreamedWork): Promise<Response> {
  const host: Pick<FaceHost, "callOf" | "track"> = {
    track: () => {},
    callOf: (c) => ({ signal: c.req.raw.signal, emit: () => {} }),
  };
  const app = new Hono<ApiEnv>().get("/", (c) => answerMessages(c, host, work));
  app.onError((error) => {
    throw error;
  });
  return await app.request("/");
}

Deno.test("answerMessages() fails as the work does while it has told nothing", async () => {
  await assertRejects(() => answer(() => Promise.reject(new EngineError("NOT_FOUND", "gone"))), EngineError, "gone");
});

Deno.test("answerMessages() ends with the error once the work has told something", async () => {
  const response = await answer(async (write) => {
    write({ stream: "a" });
    await Promise.resolve();
    throw new EngineError("NOT_FOUND", "gone");
  });
  assertEquals(response.status, 200);
  assertEquals(await response.text(), '{"stream":"a"}\r\n{"errorDetail":{"message":"gone"},"error":"gone"}\r\n');
});

Deno.test("answerMessages() gives an empty answer for a work that tells nothing", async () => {
  const response = await answer(() => Promise.resolve());
  assertEquals([response.status, await response.text()], [200, ""]);
});

Deno.test("answerMessages() aborts the work when the client goes away", async () => {
  const aborted = Promise.withResolvers<void>();
  const response = await answer(async (write, { signal }) => {
    write({ stream: "a" });
    signal.addEventListener("abort", () => aborted.resolve());
    await aborted.promise;
    throw new EngineError("CANCELED", "Canceled");
  });
  await response.body?.cancel();
  await aborted.promise;
});

Deno.test("answerMessages() leaves messages out that a client reads too slowly, tells so, and keeps what counts", async () => {
  const big = "x".repeat(1024 * 1024);
  const count = 40;
  const response = await answer((write) => {
    for (let at = 0; at < count; at++) write({ stream: big });
    write({ aux: { ID: "sha256:0" } });
    return Promise.reject(new EngineError("NOT_FOUND", "gone"));
  });
  const lines = (await response.text()).trim().split("\r\n").map((line): Record<string, unknown> => JSON.parse(line));
  const whole = lines.filter(({ stream }) => stream === big).length;
  assertEquals(whole <= maxWaitingBytes / big.length + 1, true, String(whole));
  assertEquals(lines.some(({ aux }) => aux !== undefined), true);
  assertEquals(lines.some(({ error }) => error === "gone"), true);
  const told = lines.find(({ stream }) => typeof stream === "string" && stream.startsWith("["))?.["stream"];
  assertEquals(told, `[${count - whole} messages were left out: they were read too slowly]\n`);
});
