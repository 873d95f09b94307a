import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { runProgram } from "./process.ts";

const call = { signal: new AbortController().signal };

Deno.test("runProgram() gives exit code and output when a program ends", async () => {
  const result = await runProgram("sh", { args: ["-c", 'echo "out $1"; echo err >&2; exit 7', "sh", "a b;c"] }, call);
  assertEquals(result, { code: 7, stdout: "out a b;c\n", stderr: "err\n" });
});

Deno.test("runProgram() passes on directory and environment when they are given", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const args = ["-c", 'pwd; echo "$STRATA_ONE ${STRATA_TWO-unset}"'];
    const env = { STRATA_ONE: "1", STRATA_TWO: "2" };
    const { stdout } = await runProgram("sh", { args, directory, env, unset: ["STRATA_TWO"] }, call);
    assertEquals(stdout, `${await Deno.realPath(directory)}\n1 unset\n`);
  } finally {
    await Deno.remove(directory);
  }
});

Deno.test("runProgram() cuts off output when there is too much", async () => {
  const { code, stdout } = await runProgram("sh", {
    args: ["-c", "head -c 1000000 /dev/zero | tr '\\0' x"],
    maxOutputBytes: 1000,
  }, call);
  assertEquals([code, stdout], [0, "x".repeat(1000)]);
});

Deno.test("runProgram() rejects UNSUPPORTED when there is no such program", async () => {
  const error = await assertRejects(() => runProgram("strata-no-such-program", { args: [] }, call), EngineError);
  assertEquals(error.code, "UNSUPPORTED");
  assertEquals(error.message, 'Cannot run "strata-no-such-program": not installed');
});

Deno.test("runProgram() kills the program when the signal aborts", async () => {
  const controller = new AbortController();
  const running = runProgram("sleep", { args: ["1000"] }, { signal: controller.signal });
  controller.abort();
  assertEquals((await assertRejects(() => running, EngineError)).code, "CANCELED");
  const again = () => runProgram("sleep", { args: ["1000"] }, { signal: controller.signal });
  assert((await assertRejects(again, EngineError)).message.includes("canceled"));
});
