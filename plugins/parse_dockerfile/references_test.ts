import { assertEquals } from "@std/assert";
import { refusal } from "../../tests/helpers/graph_case.ts";
import { createKit } from "../../core/kit.ts";
import { isReference } from "./references.ts";

Deno.test("parse() refuses stages that need each other, also when the target does not need them", async () => {
  const text = "FROM scratch AS a\nCOPY --from=b x /x\nFROM a AS b\nFROM scratch\n";
  assertEquals(await refusal(text), 'PARSE_FAILED 2: Cannot use stage "b" here: it needs this stage itself');
});

Deno.test("parse() refuses a stage that mounts itself by number", async () => {
  const text = "FROM scratch\nRUN --mount=from=0,target=/x y\n";
  assertEquals(await refusal(text), 'PARSE_FAILED 2: Cannot use stage "0" here: it is the stage that this line is in');
});

Deno.test("parse() accepts a later stage by name in a stage that the target does not need", async () => {
  assertEquals(await refusal("FROM scratch AS a\nCOPY --from=b x /x\nFROM scratch AS b\n"), "not refused");
});

Deno.test("parse() takes the nearest stage above when several have the name", async () => {
  const text = "FROM scratch AS a\nFROM scratch AS a\nCOPY --from=a x /x\nFROM scratch AS a\nFROM a\n";
  assertEquals(await refusal(text, { target: "1" }), "not refused");
});

Deno.test("isReference() tells image names from other texts", () => {
  const kit = createKit();
  assertEquals(isReference(kit, "alpine:3"), true);
  for (const text of ["", "a b", "a//b", "-a", "a:"]) assertEquals(isReference(kit, text), false, text);
});

Deno.test("parse() reads thousands of stages that start from each other", async () => {
  const stages = Array.from({ length: 4000 }, (_, i) => `FROM s${i} AS s${i + 1}\n`).join("");
  assertEquals(await refusal(`FROM scratch AS s0\n${stages}`), "not refused");
});
