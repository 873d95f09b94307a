import { assertEquals, assertRejects } from "@std/assert";
import { createTestTerminal } from "../../tests/helpers/test_terminal.ts";
import { EngineError } from "../errors.ts";
import type { BuildInput } from "../image/build_input.ts";
import { readInput } from "./args.ts";
import { readBuildInput } from "./build_flags.ts";
import { command } from "./command/build.ts";

async function read(args: readonly string[], isTerminal = false): Promise<BuildInput> {
  const input = await readInput("build", command, [...args, "."]);
  return await readBuildInput(
    input,
    createTestTerminal({ isTerminal }),
    (name) => name === "TOKEN" ? "s3cret" : undefined,
  );
}

async function failure(args: readonly string[], isTerminal = false): Promise<string> {
  const error = await assertRejects(() => read(args, isTerminal), EngineError);
  assertEquals(error.code, "INVALID_ARGUMENT");
  return error.message;
}

Deno.test("readBuildInput() leaves out how commands run when no flag says it", async () => {
  assertEquals((await read([])).run, undefined);
});

Deno.test("readBuildInput() reads every flag of how commands run", async () => {
  const args = [
    "--runtime=runc --network none --add-host db:10.0.0.1 --add-host cache=::1 --dns 1.1.1.1,8.8.8.8 --dns 9.9.9.9",
    "--dns-search corp.example --dns-option ndots:2 --ulimit nofile=1:2 --ulimit nofile=3:4 --ulimit core=0",
    "--shm-size 128m -m 2g --cpus 1.5 --allow security.insecure --secret id=a,env=TOKEN --secret id=TOKEN",
    "--on-failure fail",
  ].flatMap((line) => line.split(" "));
  assertEquals((await read(args)).run, {
    runtime: "runc",
    network: "none",
    hosts: [{ name: "db", address: "10.0.0.1" }, { name: "cache", address: "::1" }],
    dns: ["1.1.1.1", "8.8.8.8", "9.9.9.9"],
    dnsSearch: ["corp.example"],
    dnsOptions: ["ndots:2"],
    ulimits: [{ name: "nofile", soft: 3, hard: 4 }, { name: "core", soft: 0, hard: 0 }],
    shmBytes: 128 * 2 ** 20,
    memoryBytes: 2 ** 31,
    cpus: 1.5,
    allowed: ["security.insecure"],
    secrets: { a: { type: "value", value: "s3cret" }, TOKEN: { type: "value", value: "s3cret" } },
    onFailure: "fail",
  });
});

Deno.test("readBuildInput() allows the host's network to who takes it for all commands", async () => {
  assertEquals((await read(["--network=host"])).run, { network: "host", allowed: ["network.host"] });
  assertEquals((await read(["--network=host", "--allow=network.host,security.insecure"])).run?.allowed, [
    "network.host",
    "security.insecure",
  ]);
});

Deno.test("readBuildInput() takes . as no search domain at all", async () => {
  assertEquals((await read(["--dns-search=."])).run, { dnsSearch: [] });
});

Deno.test("readBuildInput() reads processors also as quota and period, not both", async () => {
  assertEquals((await read(["--cpu-quota=50000", "--cpu-period=25000"])).run, { cpus: 2 });
  assertEquals(
    await failure(["--cpus=1", "--cpu-quota=50000"]),
    [
      'Cannot use --cpus "1": --cpu-quota or --cpu-period is given too, expected only one of them',
    ].join(),
  );
  assertEquals(
    await failure(["--cpu-period=25000"]),
    'Cannot use --cpu-period "25000": there is no quota, expected --cpu-quota with it',
  );
});

Deno.test("readBuildInput() refuses memory and shared memory that nothing can start with", async () => {
  assertEquals(await failure(["-m", "5m"]), 'Cannot use --memory "5m": it is too little, expected at least 6m');
  assertEquals(
    await failure(["--shm-size=0"]),
    'Cannot use --shm-size "0": it is too little, expected at least 1 byte',
  );
});

Deno.test("readBuildInput() takes --on-failure=shell on a terminal, one step at a time", async () => {
  const { run, jobs } = await read(["--on-failure=shell"], true);
  assertEquals([run, jobs], [{ onFailure: "shell" }, 1]);
  assertEquals((await read(["--on-failure=shell", "-j1"], true)).jobs, 1);
  assertEquals(
    await failure(["--on-failure=shell", "-j2"], true),
    'Cannot use --jobs "2" with --on-failure=shell: expected 1',
  );
  assertEquals(
    await failure(["--on-failure=shell"]),
    'Cannot use --on-failure "shell": standard input or output is no terminal',
  );
  assertEquals(await failure(["--on-failure=retry"], true), 'Cannot use --on-failure "retry": expected shell or fail');
});
