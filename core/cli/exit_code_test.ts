import { assertEquals } from "@std/assert";
import { EngineError, type ErrorCode } from "../errors.ts";
import { exitCodeOf } from "./exit_code.ts";

Deno.test("exitCodeOf() tells wrong use, a failure, a bug and an interruption apart", () => {
  const codes: ErrorCode[] = ["INVALID_ARGUMENT", "NOT_FOUND", "PARSE_FAILED", "INTERNAL", "CANCELED"];
  assertEquals(codes.map((code) => exitCodeOf(new EngineError(code, "m"))), [2, 1, 1, 70, 130]);
});

Deno.test("exitCodeOf() gives 1 when a line of a build file holds what is wrong", () => {
  const range = { file: "Dockerfile", line: 2, endLine: 2 };
  assertEquals(exitCodeOf(new EngineError("INVALID_ARGUMENT", "m", { detail: { range } })), 1);
});
