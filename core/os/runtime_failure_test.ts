import { assertEquals } from "@std/assert";
import { readRuntimeFailure } from "./runtime_failure.ts";

Deno.test("readRuntimeFailure() gives 127 when there is no such command, whichever runtime says so", () => {
  for (
    const reason of [
      "executable file `foo` not found in $PATH: No such file or directory",
      "executable file `/no/foo` not found: No such file or directory",
    ]
  ) assertEquals(readRuntimeFailure("crun", `${reason}\n`), { reason, exitCode: 127 });
  for (
    const reason of [
      'runc run failed: unable to start container process: exec: "foo": executable file not found in $PATH',
      'runc run failed: unable to start container process: exec: "/foo": stat /foo: no such file or directory',
    ]
  ) assertEquals(readRuntimeFailure("runc", runcLine(reason)), { reason, exitCode: 127 });
});

Deno.test("readRuntimeFailure() gives 126 when a command cannot be executed, whichever runtime says so", () => {
  for (
    const reason of [
      "open executable: Permission denied",
      "the path `/foo` exists but it is not executable: Operation not permitted",
      "the path `/foo` is not a regular file: Operation not permitted",
    ]
  ) assertEquals(readRuntimeFailure("crun", `${reason}\n`), { reason, exitCode: 126 });
  for (
    const reason of [
      'runc run failed: unable to start container process: exec: "/foo": permission denied',
      'runc run failed: unable to start container process: exec: "/foo": is a directory',
    ]
  ) assertEquals(readRuntimeFailure("runc", runcLine(reason)), { reason, exitCode: 126 });
});

Deno.test("readRuntimeFailure() gives the last reason and no code when the runtime itself fails", () => {
  assertEquals(readRuntimeFailure("crun", "a\nmount `proc` to `proc`: Operation not permitted\n"), {
    reason: "mount `proc` to `proc`: Operation not permitted",
  });
  assertEquals(readRuntimeFailure("runc", "no JSON\n"), { reason: "no JSON" });
});

Deno.test("readRuntimeFailure() gives undefined when there is no error", () => {
  assertEquals(readRuntimeFailure("crun", ""), undefined);
  assertEquals(readRuntimeFailure("runc", '{"level":"warning","msg":"old kernel"}\n'), undefined);
});

function runcLine(msg: string): string {
  return `${JSON.stringify({ level: "error", msg, time: "2026-01-01T00:00:00Z" })}\n`;
}
