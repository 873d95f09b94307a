import { assertEquals, assertRejects } from "@std/assert";
import { createKit } from "../../core/kit.ts";
import { EngineError } from "../../core/errors.ts";
import { parseContext } from "../../tests/helpers/parse_context.ts";
import { readIgnorePatterns } from "./ignore.ts";

Deno.test("readIgnorePatterns() drops comments in the first column and blank lines, and trims", async () => {
  const context = parseContext({ files: { ".dockerignore": "\uFEFF#no\n #yes\r\n\n  a/b  \n! c\n" } });
  assertEquals(await readIgnorePatterns({ path: "Dockerfile", text: "" }, context, createKit()), [
    "#yes",
    "a/b",
    "! c",
  ]);
});

Deno.test("readIgnorePatterns() looks beside the build file by its own name when it has one", async () => {
  const context = parseContext();
  await readIgnorePatterns({ path: "/x/web.Dockerfile", text: "" }, context, createKit());
  await readIgnorePatterns({ path: "-", text: "" }, context, createKit());
  assertEquals(context.read, ["web.Dockerfile.dockerignore", ".dockerignore", ".dockerignore"]);
});

Deno.test("readIgnorePatterns() names file and line of a pattern that is none", async () => {
  const read = (text: string): Promise<readonly string[]> =>
    readIgnorePatterns(
      { path: "x/web.Dockerfile", text: "" },
      parseContext({ files: { ".dockerignore": text } }),
      createKit(),
    );
  for (const [text, line] of [["a\n[z-a\n", 2], ["#x\n\n\\", 3], ["!", 1], ["[", 1]] as const) {
    const error = await assertRejects(() => read(text), EngineError);
    assertEquals(error.code, "PARSE_FAILED");
    assertEquals(error.detail["range"], {
      file: ".dockerignore",
      line,
      endLine: line,
      source: text.split("\n")[line - 1],
    });
  }
});
