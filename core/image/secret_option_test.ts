import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { readAgent, readSecret } from "./secret_option.ts";

const variables: Readonly<Record<string, string>> = { TOKEN: "s3cret", EMPTY: "" };
const environment = (name: string): string | undefined => variables[name];

interface Folder extends AsyncDisposable {
  readonly path: string;
}

async function makeFolder(): Promise<Folder> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function failure(read: () => Promise<unknown>): Promise<EngineError> {
  const error = await assertRejects(read, EngineError);
  assertEquals(JSON.stringify([error.message, error.detail, error.hint]).includes("s3cret"), false);
  return error;
}

Deno.test("readSecret() takes a file with src and source, with and without type", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/a,b`;
  await Deno.writeTextFile(path, "s3cret");
  const expected = { id: "t", source: { type: "file" as const, path } };
  for (const text of [`id=t,"src=${path}"`, `ID=t,type=file,"source=${path}"`, `"src=${path}",id=t`]) {
    assertEquals(await readSecret(text, environment), expected);
  }
});

Deno.test("readSecret() takes a variable with env, and with type=env also from src", async () => {
  const expected = { id: "t", source: { type: "value" as const, value: "s3cret" } };
  for (const text of ["id=t,env=TOKEN", "id=t,type=env,env=TOKEN", "id=t,type=env,src=TOKEN"]) {
    assertEquals(await readSecret(text, environment), expected);
  }
  assertEquals((await readSecret("id=t,env=ABSENT", environment)).source, { type: "value", value: "" });
});

Deno.test("readSecret() takes an ID alone for the variable, else for the file of that name", async () => {
  await using folder = await makeFolder();
  assertEquals((await readSecret("id=TOKEN", environment)).source, { type: "value", value: "s3cret" });
  assertEquals((await readSecret("id=EMPTY", environment)).source, { type: "value", value: "" });
  const path = `${folder.path}/TOKEN`;
  await Deno.writeTextFile(path, "");
  assertEquals((await readSecret(`id=${path}`, environment)).source, { type: "file", path });
  assertEquals((await readSecret(`id=${path},type=file`, environment)).source, { type: "file", path });
  const error = await failure(() => readSecret("id=absent", environment));
  assertEquals([error.code, error.message], [
    "NOT_FOUND",
    'Cannot take secret "absent" from "absent": there is no such file',
  ]);
});

Deno.test("readSecret() rejects NOT_FOUND for a missing file, INVALID_ARGUMENT for a folder and a large one", async () => {
  await using folder = await makeFolder();
  const missing = await failure(() => readSecret(`id=t,src=${folder.path}/x`, environment));
  assertEquals([missing.code, missing.message], [
    "NOT_FOUND",
    `Cannot take secret "t" from "${folder.path}/x": there is no such file`,
  ]);
  const directory = await failure(() => readSecret(`id=t,src=${folder.path}`, environment));
  assertEquals([directory.code, directory.message], [
    "INVALID_ARGUMENT",
    `Cannot take secret "t" from "${folder.path}": it is a directory`,
  ]);
  const path = `${folder.path}/large`;
  await Deno.writeFile(path, new Uint8Array(500 * 1024 + 1));
  const large = await failure(() => readSecret(`id=t,src=${path}`, environment));
  assertEquals([large.code, large.message], [
    "INVALID_ARGUMENT",
    `Cannot take secret "t" from "${path}": it is too large, expected at most 512000 bytes`,
  ]);
});

Deno.test({
  name: "readSecret() reads a pipe at once",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    await using folder = await makeFolder();
    const path = `${folder.path}/pipe`;
    assertEquals((await new Deno.Command("mkfifo", { args: [path] }).output()).success, true);
    const written = Deno.writeTextFile(path, "s3cret\n", { create: false });
    assertEquals((await readSecret(`id=t,src=${path}`, environment)).source, { type: "value", value: "s3cret\n" });
    await written;
  },
});

Deno.test("readSecret() rejects INVALID_ARGUMENT for a wrong form", async () => {
  const form = "expected id=ID[,src=PATH|,env=NAME]";
  const cases: readonly (readonly [text: string, state: string])[] = [
    ["TOKEN", `"TOKEN" is no key=value, ${form}`],
    ["", `"" is no key=value, ${form}`],
    ["src=x", `it has no id, ${form}`],
    ["id=", `it has no id, ${form}`],
    ["id=t,type=vault", `"vault" is no type, expected type=file or type=env`],
    ["id=t,src=a,env=B", "it has both, expected either src or env"],
    ["id=t,type=file,env=B", "a file has no variable, expected src=PATH"],
  ];
  for (const [text, state] of cases) {
    const error = await failure(() => readSecret(text, environment));
    assertEquals([error.code, error.message], ["INVALID_ARGUMENT", `Cannot use --secret "${text}": ${state}`]);
  }
});

Deno.test("readSecret() does not show what may be the secret itself", async () => {
  const error = await failure(() => readSecret("id=t,value=s3cret", environment));
  assertEquals(error.message.startsWith('Cannot use --secret "id=t,value=…": "value" is no part of it'), true);
});

Deno.test({
  name: "readAgent() takes the socket that is named, else that of SSH_AUTH_SOCK",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    await using folder = await makeFolder();
    const path = `${folder.path}/agent`;
    using _listener = Deno.listen({ transport: "unix", path });
    const withAgent = (name: string): string | undefined => name === "SSH_AUTH_SOCK" ? path : undefined;
    assertEquals(await readAgent("default", withAgent), { id: "default", socket: path });
    assertEquals(await readAgent("git", withAgent), { id: "git", socket: path });
    assertEquals(await readAgent(`=${path}`, environment), { id: "default", socket: path });
    assertEquals(await readAgent(`git=${path}`, environment), { id: "git", socket: path });
    const several = await failure(() => readAgent(`git=${path},${path}`, environment));
    assertEquals(several.message.endsWith(": it names several, expected one socket"), true);
  },
});

Deno.test("readAgent() says what is missing, and that a key belongs into an agent", async () => {
  await using folder = await makeFolder();
  const unset = await failure(() => readAgent("default", environment));
  assertEquals([unset.code, unset.message], [
    "INVALID_ARGUMENT",
    'Cannot use --ssh "default": SSH_AUTH_SOCK is not set',
  ]);
  const missing = await failure(() => readAgent(`git=${folder.path}/x`, environment));
  assertEquals([missing.code, missing.message.endsWith("there is no such socket")], ["NOT_FOUND", true]);
  const directory = await failure(() => readAgent(`git=${folder.path}`, environment));
  assertEquals([directory.code, directory.message.endsWith("expected the socket of an SSH agent")], [
    "INVALID_ARGUMENT",
    true,
  ]);
  const key = `${folder.path}/id_ed25519`;
  await Deno.writeTextFile(key, "-----BEGIN OPENSSH PRIVATE KEY-----");
  const file = await failure(() => readAgent(`git=${key}`, environment));
  assertEquals([file.code, file.hint], [
    "UNSUPPORTED",
    `Load the key into an agent with "ssh-add ${key}" and use --ssh git`,
  ]);
});
