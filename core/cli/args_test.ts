import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { readInput } from "./args.ts";
import type { Command } from "./command.ts";

const command: Command = {
  usage: "[OPTIONS] PATH",
  description: "Test.",
  flags: [
    { name: "all", short: "a", type: "boolean", help: "" },
    { name: "quiet", short: "q", type: "boolean", help: "" },
    { name: "tag", short: "t", type: "list", value: "NAME", help: "" },
    { name: "file", short: "f", type: "string", help: "" },
    { name: "no-cache-filter", type: "list", help: "" },
    { name: "no-cache", type: "boolean", help: "" },
  ],
  words: { min: 0, max: 2 },
  run: () => Promise.resolve(0),
};

async function read(...args: string[]): Promise<unknown> {
  const input = await readInput("test", command, args);
  return [input.isOn("all"), input.isOn("quiet"), input.list("tag"), input.text("file"), input.words];
}

Deno.test("readInput() reads a value the same whether flags stand once or several times", async () => {
  for (const value of ["a", "", "a=b", "--all", "two\nlines", "1", "true", "__proto__"]) {
    const once = await read("--all", `--tag=${value}`, `--file=${value}`, "x");
    assertEquals(once, [true, false, [value], value, ["x"]]);
    assertEquals(await read("--all", "--all", `--tag=${value}`, `--file=${value}`, "x"), once);
  }
  assertEquals(await read("--all=false"), await read("--all=false", "--all=false"));
});

Deno.test("readInput() takes every form of a flag", async () => {
  assertEquals(await read(), [false, false, [], undefined, []]);
  assertEquals(await read("-aq", "x"), [true, true, [], undefined, ["x"]]);
  assertEquals(await read("x", "-a", "y"), [true, false, [], undefined, ["x", "y"]]);
  assertEquals(await read("-t", "a", "-tb", "--tag=c", "--tag", "d", "-t=e"), [
    false,
    false,
    ["a", "b", "c", "d", "e"],
    undefined,
    [],
  ]);
  assertEquals(await read("-aft", "x"), [true, false, [], "t", ["x"]]);
  assertEquals(await read("-f", "-", "-"), [false, false, [], "-", ["-"]]);
  assertEquals(await read("-f", "--all"), [false, false, [], "--all", []]);
  assertEquals(await read("--file=", "1"), [false, false, [], "", ["1"]]);
  assertEquals(await read("--all=false", "--quiet=true"), [false, true, [], undefined, []]);
  assertEquals(await read("--", "-a", "--x"), [false, false, [], undefined, ["-a", "--x"]]);
  assertEquals(await read("-f", "a", "-f", "b"), [false, false, [], "b", []]);
  assertEquals(await read("-t", "a=b=c"), [false, false, ["a=b=c"], undefined, []]);
});

Deno.test("readInput() refuses what the command does not know, with a hint", async () => {
  const table: [string[], string, string][] = [
    [["--tga", "x"], 'Cannot use flag "--tga" with "strata test": no such flag', "Did you mean --tag?"],
    [["--zzzzzzzz"], "no such flag", 'Run "strata test --help" for its flags'],
    [["-ax"], 'Cannot use flag "-x"', 'Run "strata test --help" for its flags'],
    [["-t"], "its value is missing", "Write it as --tag NAME"],
    [["--file"], "its value is missing", "Write it as --file VALUE"],
    [["--all=maybe"], "no value but true or false", "Write --all"],
    [["a", "b", "c"], "got 3 arguments, expected 0 to 2 arguments", "Usage: strata test [OPTIONS] PATH"],
  ];
  for (const [args, message, hint] of table) {
    const error = await assertRejects(() => readInput("test", command, args), EngineError, message);
    assertEquals([error.code, error.hint], ["INVALID_ARGUMENT", hint]);
  }
});

Deno.test("readInput() does not take no- at the start of a name for a negation", async () => {
  const input = await readInput("test", command, ["--no-cache-filter", "a", "--no-cache", "--all=false"]);
  assertEquals([input.list("no-cache-filter"), input.isOn("no-cache"), input.isOff("all"), input.isOff("quiet")], [
    ["a"],
    true,
    true,
    false,
  ]);
});
