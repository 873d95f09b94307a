import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { readDockerfile, readTrigger } from "./read_dockerfile.ts";

const kit = createKit();
const at = { file: "Dockerfile", line: 3, endLine: 3, source: "FROM base" };

Deno.test("readDockerfile() names the file and the lines of each instruction when they span several", () => {
  const file = readDockerfile({ path: "a/Dockerfile", text: "FROM scratch\nRUN a \\\r\n  b\r\n" }, kit);
  const run = file.stages[0]?.[1];
  assertEquals(run?.at, { file: "a/Dockerfile", line: 2, endLine: 3, source: "RUN a \\" });
  assertEquals(run?.lines, ["RUN a \\", "  b"]);
});

Deno.test("readDockerfile() gives the whole range when what is wrong goes over two lines", () => {
  const text = "FROM scratch\nHEALTHCHECK FO\\\nO x\n";
  const error = assertThrows(() => readDockerfile({ path: "Dockerfile", text }, kit), EngineError);
  assertEquals(error.code, "PARSE_FAILED");
  assertEquals(error.detail["instruction"], "HEALTHCHECK");
  assertEquals(error.detail["range"], {
    file: "Dockerfile",
    line: 2,
    endLine: 3,
    column: 13,
    endColumn: 2,
    source: "HEALTHCHECK FO\\",
  });
});

Deno.test("readDockerfile() keeps here-documents in a trigger so that it reads the same when the image is built upon", () => {
  const text = "FROM scratch\nONBUILD COPY <<-'a' <<b /x/\n\t1\n\ta\n2\nb\n";
  const onbuild = readDockerfile({ path: "Dockerfile", text }, kit).stages[0]?.[1];
  const trigger = onbuild?.kind === "onbuild" ? readTrigger(onbuild.trigger, at, kit) : undefined;
  assertEquals(trigger?.kind === "copy" ? trigger.heredocs.map((each) => each.text) : undefined, ["1\n", "2\n"]);
});

Deno.test("readTrigger() says that a trigger stands at the FROM when it is read", () => {
  const trigger = readTrigger("RUN a \\\n b", at, kit);
  assertEquals(trigger.kind === "run" ? trigger.command : undefined, { form: "shell", text: "a  b" });
  assertEquals(trigger.at, at);
  assertEquals(trigger.lines, []);
});

for (
  const [name, text, message] of [
    ["ONBUILD", "ONBUILD RUN a", "Cannot use ONBUILD as a trigger of ONBUILD: expected another instruction"],
    ["FROM", "from a", "Cannot use FROM as a trigger of ONBUILD: expected another instruction"],
    ["MAINTAINER", "MAINTAINER a", "Cannot use MAINTAINER as a trigger of ONBUILD: expected another instruction"],
    ["nothing", "", 'Cannot read trigger "" of the base image: expected one instruction'],
    [
      "two instructions",
      "RUN a\nRUN b",
      'Cannot read trigger "RUN a\\x0aRUN b" of the base image: expected one instruction',
    ],
    ["an unknown instruction", "RUM a", 'Cannot read instruction "RUM": unknown'],
    [
      "an unknown flag",
      "COPY --x a b",
      'Cannot read flag "--x" of COPY: unknown, expected --from --chown --chmod --link --exclude --parents',
    ],
  ] as const
) {
  Deno.test(`readTrigger() refuses a trigger when it is ${name}`, () => {
    const error = assertThrows(() => readTrigger(text, at, kit), EngineError);
    assertEquals([error.code, error.message, error.detail["range"]], ["PARSE_FAILED", message, at]);
  });
}
