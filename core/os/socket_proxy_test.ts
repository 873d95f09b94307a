import { assertEquals, assertRejects } from "@std/assert";
import { isSocketPath, openSocketProxy } from "./socket_proxy.ts";

/** Runs something beside a server that answers each connection with what it is sent, in capitals. */
async function withServer(run: (target: string, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const listener = Deno.listen({ transport: "unix", path: `${directory}/server` });
  const serving = (async () => {
    const all: Promise<void>[] = [];
    for await (const connection of listener) all.push(answer(connection));
    await Promise.allSettled(all);
  })();
  try {
    await run(`${directory}/server`, directory);
  } finally {
    listener.close();
    await serving.catch(() => {});
    await Deno.remove(directory, { recursive: true });
  }
}

async function answer(connection: Deno.UnixConn): Promise<void> {
  using _ = connection;
  for (let said = await hear(connection); said !== ""; said = await hear(connection)) {
    await say(connection, said.toUpperCase());
  }
}

/** What comes next; empty when there is no more. */
async function hear(connection: Deno.UnixConn): Promise<string> {
  const buffer = new Uint8Array(10_000);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}

async function say(connection: Deno.UnixConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

/** Says something to its end, and gives all that is answered. */
async function ask(path: string, text: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  const saying = say(connection, text).then(() => connection.closeWrite());
  let answer = "";
  for (let said = await hear(connection); said !== ""; said = await hear(connection)) answer += said;
  await saying;
  return answer;
}

Deno.test("openSocketProxy() passes connections on, several at once, both ways", () =>
  withServer(async (target, directory) => {
    using proxy = openSocketProxy(`${directory}/proxy`, target);
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i} `.repeat(1000));
    assertEquals(
      await Promise.all(texts.map((text) => ask(proxy.path, text))),
      texts.map((text) => text.toUpperCase()),
    );
  }));

Deno.test("openSocketProxy() hangs up where nobody listens any more, and serves the next", () =>
  withServer(async (target, directory) => {
    using proxy = openSocketProxy(`${directory}/proxy`, `${directory}/absent`);
    using connection = await Deno.connect({ transport: "unix", path: proxy.path });
    assertEquals(await hear(connection), "");
    await Deno.rename(target, `${directory}/absent`);
    assertEquals(await ask(proxy.path, "now"), "NOW");
  }));

Deno.test("openSocketProxy() cuts what is open when it is disposed, and listens no more", () =>
  withServer(async (target, directory) => {
    const proxy = openSocketProxy(`${directory}/proxy`, target);
    using connection = await Deno.connect({ transport: "unix", path: proxy.path });
    await say(connection, "a");
    assertEquals(await hear(connection), "A");
    proxy[Symbol.dispose]();
    assertEquals(await hear(connection), "");
    await assertRejects(() => Deno.connect({ transport: "unix", path: `${directory}/proxy` }));
  }));

Deno.test("isSocketPath() is true for at most 107 bytes", () => {
  assertEquals([isSocketPath("a".repeat(107)), isSocketPath("a".repeat(108))], [true, false]);
  assertEquals([isSocketPath("é".repeat(53)), isSocketPath("é".repeat(54))], [true, false]);
});
