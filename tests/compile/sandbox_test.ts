/** Plugins in the processes of a binary, which are the binary itself: the tests of sandboxes hold there too. */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { tempFolder } from "../helpers/strata.ts";
import { checkContents } from "./check.ts";
import { stageProgram } from "./stage.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");

Deno.test("what a plugin must not do it cannot do in the processes of a binary either, and its memory is bounded", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using folder = await tempFolder();
  const staged = await stageProgram(root, `${folder.path}/stage`, "abc");
  await Deno.mkdir(`${folder.path}/stand-in`);
  await checkContents(staged, `${folder.path}/stand-in`);
  for (
    const args of [
      ["core/host/sandbox/holes_test.ts"],
      ["--filter=/takes all memory|store that gives/", "core/host/sandbox/misbehavior_test.ts"],
      ["--filter=/in bubblewrap/", "tests/conformance/sandboxed_test.ts"],
    ]
  ) {
    // The tests then take themselves for compiled, and start the stand-in as they would start themselves.
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", "--no-check", `--preload=${folder.path}/stand-in/preload.ts`, ...args],
      cwd: root,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  }
});
