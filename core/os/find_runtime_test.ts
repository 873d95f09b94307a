import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { isMissing } from "../../tests/helpers/require.ts";
import { containerPeers } from "../../tests/helpers/busybox_root.ts";
import { EngineError } from "../errors.ts";
import { findProgram } from "./find_program.ts";
import { defaultRuntime, findRuntime } from "./find_runtime.ts";

const call = { signal: new AbortController().signal, emit: () => {} };
const ignore = Deno.build.os !== "linux" || isMissing(containerPeers.unshare);

Deno.test({
  name: "findRuntime() gives the best that is installed when none is wanted",
  ignore,
  fn: async () => {
    const best = ["crun", "runc"].find((name) => findProgram(name) !== undefined) ?? "chroot";
    assertEquals([(await findRuntime(undefined, call)).name, defaultRuntime()], [best, best]);
    assertEquals((await findRuntime("chroot", call)).name, "chroot");
  },
});

Deno.test({
  name: "findRuntime() takes a program by its path",
  ignore,
  fn: async () => assertEquals((await findRuntime("/bin/sh", call)).name, "sh"),
});

Deno.test({
  name: "findRuntime() rejects UNSUPPORTED when a program is absent or cannot be run",
  ignore,
  fn: async () => {
    for (const wanted of ["/no/crun", "/etc/passwd"]) {
      const error = await assertRejects(() => findRuntime(wanted, call), EngineError);
      assertEquals([error.code, error.message], ["UNSUPPORTED", `Cannot use runtime "${wanted}": not installed`]);
    }
  },
});

Deno.test({
  name: "findRuntime() rejects INVALID_ARGUMENT when the name is not known",
  ignore,
  fn: async () => {
    const error = await assertRejects(() => findRuntime("docker", call), EngineError);
    assertEquals([error.code, error.detail.field], ["INVALID_ARGUMENT", "runtime"]);
    assertMatch(error.hint ?? "", /"crun", "runc" and "chroot"/);
  },
});
