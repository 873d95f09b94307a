import { assertEquals } from "@std/assert";
import { createChecks } from "./checks.ts";

const at = (line: number): { readonly file: string; readonly line: number; readonly endLine: number } => ({
  file: "f",
  line,
  endLine: line,
});

Deno.test("found() gives places in file order, each once", () => {
  const checks = createChecks({ skip: [], error: false, experimental: [] });
  checks.report("UndefinedVar", at(5), "b");
  checks.report("StageNameCasing", at(2), "a");
  checks.report("UndefinedVar", at(5), "b");
  assertEquals(checks.found().map(({ rule, severity }) => [rule, severity]), [
    ["StageNameCasing", "warning"],
    ["UndefinedVar", "warning"],
  ]);
});

Deno.test("report() leaves a rule out when it is skipped, experimental or both", () => {
  const rulesOf = (skip: readonly string[], experimental: readonly string[]): readonly string[] => {
    const checks = createChecks({ skip, error: true, experimental });
    checks.report("UndefinedVar", at(1), "a");
    checks.report("StageNameCasing", at(2), "a");
    checks.report("InvalidDefinitionDescription", at(3), "a");
    return checks.found().map(({ rule }) => rule);
  };
  assertEquals(rulesOf([], []), ["UndefinedVar", "StageNameCasing"]);
  assertEquals(rulesOf(["UndefinedVar"], []), ["StageNameCasing"]);
  assertEquals(rulesOf(["all"], ["all"]), ["InvalidDefinitionDescription"]);
  assertEquals(rulesOf(["all"], ["InvalidDefinitionDescription"]), ["InvalidDefinitionDescription"]);
});

Deno.test("scopedTo() adds what a comment asks when it is a check comment that can be read", () => {
  const checks = createChecks({ skip: [], error: false, experimental: [] });
  checks.scopedTo(["a comment", " check=skip=UndefinedVar,StageNameCasing and why"]).report("UndefinedVar", at(1), "a");
  checks.scopedTo(["check=nonsense"]).report("UndefinedVar", at(2), "a");
  checks.scopedTo([]).report("UndefinedVar", at(3), "a");
  assertEquals(checks.found().map((check) => check.at.line), [2, 3]);
});
