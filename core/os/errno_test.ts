import { assertEquals } from "@std/assert";
import { EngineError } from "../errors.ts";
import { errnoOf, osError, readErrno } from "./errno.ts";

Deno.test("readErrno() gives name and text when the number is known", () => {
  assertEquals(readErrno(2), { name: "ENOENT", text: "no such file or directory" });
  assertEquals(readErrno(13), { name: "EACCES", text: "permission denied" });
});

Deno.test("readErrno() gives the number when it is not known", () => {
  assertEquals(readErrno(9999), { name: "E9999", text: "error 9999" });
});

Deno.test("osError() says what failed when a call did", () => {
  const error = osError({ action: "open", syscall: "openat2", errno: "ELOOP", path: "a/b" });
  assertEquals(error.code, "OS_FAILED");
  assertEquals(error.message, 'Cannot open "a/b": a symbolic link is in the way');
  assertEquals(error.detail, { syscall: "openat2", errno: "ELOOP", path: "a/b" });
});

Deno.test("errnoOf() finds the name when an error carries one", () => {
  assertEquals(errnoOf(osError({ action: "open", syscall: "open", errno: "EIO", path: "x" })), "EIO");
  assertEquals(errnoOf(new EngineError("INTERNAL", "x")), undefined);
  assertEquals(errnoOf(new Error("x")), undefined);
  assertEquals(errnoOf("x"), undefined);
  try {
    Deno.readTextFileSync("/nonexistent/file");
  } catch (error) {
    assertEquals(errnoOf(error), "ENOENT");
  }
});
