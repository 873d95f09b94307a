import { assert, assertEquals } from "@std/assert";
import { call, chunked, makeBytes } from "../tests/conformance/store_tools.ts";
import type { LayerEntry } from "./contract/mod.ts";
import { isEngineError } from "./errors.ts";
import { createKit } from "./kit.ts";

const kit = createKit();

async function* entries(): AsyncGenerator<LayerEntry> {
  const meta = { mode: 0o644, uid: 1, gid: 2, mtime: 3 };
  await Promise.resolve();
  yield { ...meta, type: "directory", path: "d", mode: 0o755 };
  yield { ...meta, type: "file", path: "d/f", size: 5, content: makeBytes(5) };
}

Deno.test("createKit() reads the archives it writes", async () => {
  const read: unknown[] = [];
  for await (const entry of kit.readArchive(kit.writeTar(entries(), call), call)) {
    if (entry.type !== "file") {
      read.push(entry.path);
      continue;
    }
    const { content } = entry;
    read.push(content instanceof Uint8Array ? content : await new Response(await content()).bytes());
  }
  assertEquals(read, ["d", makeBytes(5)]);
});

Deno.test("createKit() gives a tar stream that can be left before and while it is read", async () => {
  await kit.writeTar(entries(), call).cancel();
  const reader = kit.writeTar(entries(), call).getReader();
  await reader.read();
  await reader.cancel();
});

Deno.test("createKit() makes errors and digests", async () => {
  const error = kit.error("NOT_FOUND", "Cannot find it", { hint: "Look" });
  assert(isEngineError(error));
  assertEquals([error.code, error.hint], ["NOT_FOUND", "Look"]);
  const { through, result } = kit.hashing();
  await new Response(chunked(makeBytes(100)).pipeThrough(through)).bytes();
  assertEquals(result(), { digest: await kit.sha256(makeBytes(100)), size: 100 });
});
