/** What becomes of containers when their process is killed, and when it has a terminal. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { containerPeers, makeBusyboxRoot } from "../../tests/helpers/busybox_root.ts";
import { containerProcess, findProcesses } from "../../tests/helpers/container_process.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import { findSandboxTools, runSandbox, shellQuote } from "./sandbox.ts";

const call = { signal: new AbortController().signal, emit: () => {} };

for (const runtime of ["crun", "runc", "chroot"] as const) {
  const program = runtime === "chroot" ? containerPeers.prlimit : containerPeers[runtime];
  const ignore = isMissing("root", containerPeers.busybox, containerPeers.unshare, program);

  Deno.test({
    name: `${runtime} leaves no process behind when the process that runs it is killed`,
    ignore,
    fn: async () => {
      using root = makeBusyboxRoot();
      const marker = `8${Deno.pid}`;
      const script = `setsid sleep ${marker} </dev/null >/dev/null 2>&1 & echo on; sleep ${marker}`;
      const container = root.container(["sh", "-c", script]);
      const [command = "", ...args] = containerProcess({ runtime, isTerminal: false, container });
      const child = new Deno.Command(command, { args, stdout: "piped", stderr: "null" }).spawn();
      for await (const _ of child.stdout) child.kill("SIGKILL");
      assertEquals((await child.status).signal, "SIGKILL");
      await waitUntil(() => findProcesses(marker).length === 0);
    },
  });

  Deno.test({
    name: `${runtime} gives the command the terminal of this process`,
    ignore: ignore || isMissing(containerPeers.script),
    fn: async () => {
      using root = makeBusyboxRoot();
      const script = "test -t 0 && test -t 1 && test -t 2 && read -r line && echo got $line; exit 5";
      const container = root.container(["sh", "-c", script]);
      const line = containerProcess({ runtime, isTerminal: true, container }).map(shellQuote).join(" ");
      const child = new Deno.Command("script", {
        args: ["--quiet", "--return", "--command", line, "/dev/null"],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("word\n"));
      const output = await new Response(child.stdout).text();
      await writer.close();
      assertMatch(output, /got word/);
      assertEquals((await child.status).code, 5);
    },
  });
}

const ignore = isMissing("root", containerPeers.unshare);
const io = { type: "capture", write: () => {} } as const;

async function withLog(body: (log: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await body(`${folder}/log`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test({
  name: "runSandbox() does not start the command when the setup fails, and says why",
  ignore,
  fn: () =>
    withLog(async (log) => {
      const tools = findSandboxTools();
      const setup = ["echo before >&2; ls /no/such/thing"];
      const sandbox = { options: [], setup, command: [tools.sh, "-c", "echo started >&2"], log };
      const result = await runSandbox(sandbox, { tools, io }, call);
      assertEquals(result.isStarted, false);
      assertMatch(result.log, /^before\n.*No such file/);
    }),
});

Deno.test({
  name: "runSandbox() rejects OS_FAILED with the reason when there can be no namespaces",
  ignore,
  fn: () =>
    withLog(async (log) => {
      const tools = findSandboxTools();
      const sandbox = { options: ["--no-such-option"], setup: [], command: [tools.sh], log };
      const error = await assertRejects(() => runSandbox(sandbox, { tools, io }, call), EngineError);
      assertEquals(error.code, "OS_FAILED");
      assertMatch(error.message, /^Cannot make the namespaces of a container: .*no-such-option/);
    }),
});

Deno.test("shellQuote() gives one word whatever is in it", async () => {
  const text = 'a\'b "c" $(d) \\ *\n;e';
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf %s ${shellQuote(text)}`] }).output();
  assertEquals(new TextDecoder().decode(stdout), text);
});

async function waitUntil(isTrue: () => boolean): Promise<void> {
  for (let attempt = 0; !isTrue(); attempt++) {
    assert(attempt < 500, "still not so after a while");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
