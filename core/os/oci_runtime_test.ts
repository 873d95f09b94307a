import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { containerPeers, makeBusyboxRoot, runContainer } from "../../tests/helpers/busybox_root.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import { findRuntime } from "./find_runtime.ts";

const call = { signal: new AbortController().signal, emit: () => {} };

for (const name of ["crun", "runc"] as const) {
  const ignore = isMissing("root", containerPeers.busybox, containerPeers.unshare, containerPeers[name]);

  Deno.test({
    name: `${name} gives exit code and output when a command ends`,
    ignore,
    fn: async () => {
      using root = makeBusyboxRoot();
      const runtime = await findRuntime(name, call);
      const run = await runContainer(runtime, root.container(["sh", "-c", "echo out; echo err >&2; exit 7"]));
      assertEquals(run, { code: 7, stdout: "out\n", stderr: "err\n" });
    },
  });

  Deno.test({
    name: `${name} gives 128 and the signal's number when a signal ends a command`,
    ignore,
    fn: async () => {
      using root = makeBusyboxRoot();
      const runtime = await findRuntime(name, call);
      // The first process of a namespace is immune to its own signals, a child of it is not.
      const run = await runContainer(runtime, root.container(["sh", "-c", "sh -c 'kill -9 $$'; exit $?"]));
      assertEquals(run.code, 137);
    },
  });

  Deno.test({
    name: `${name} gives 127 or 126 and says why when a command cannot be started`,
    ignore,
    fn: async () => {
      using root = makeBusyboxRoot();
      const runtime = await findRuntime(name, call);
      Deno.writeTextFileSync(`${root.path}/plain`, "x", { mode: 0o644 });
      for (const [command, code] of [["nothing", 127], ["/no/thing", 127], ["/plain", 126], ["/tmp", 126]] as const) {
        const run = await runContainer(runtime, root.container([command]));
        assertEquals([command, run.code], [command, code]);
        assertMatch(run.stderr, new RegExp(command));
      }
    },
  });

  Deno.test({
    name: `${name} rejects OS_FAILED with its reason when it fails itself`,
    ignore,
    fn: async () => {
      using root = makeBusyboxRoot();
      const runtime = await findRuntime(name, call);
      const container = root.container(["true"], { cwd: "/bin/busybox" });
      const error = await assertRejects(() => runContainer(runtime, container), EngineError);
      assertEquals(error.code, "OS_FAILED");
      assertMatch(error.message, /Cannot run a container with .*not a directory/i);
    },
  });
}
