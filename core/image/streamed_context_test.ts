import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { collect } from "../stream/collect.ts";
import { readStreamedContext } from "./streamed_context.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A header block whose checksum is right. */
function header(name: string): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(512);
  block.set(bytes(name), 0);
  block.set(bytes("        "), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(bytes(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

async function contentOf(context: { readonly type: string }): Promise<Uint8Array> {
  if (context.type !== "tar" || !("stream" in context)) throw new TypeError("no tar");
  return await collect(context.stream as ReadableStream<Uint8Array<ArrayBuffer>>, 1 << 20);
}

Deno.test("readStreamedContext() gives the whole stream when it is a tar in small pieces", async () => {
  const block = header("a");
  const { context, file } = await readStreamedContext(streamOf(block.slice(0, 100), block.slice(100), bytes("rest")));
  assertEquals(file, undefined);
  assertEquals(await contentOf(context), new Uint8Array([...block, ...bytes("rest")]));
});

Deno.test("readStreamedContext() gives a tar when the stream is compressed", async () => {
  const { context, file } = await readStreamedContext(streamOf(new Uint8Array([0x1f, 0x8b, 8, 0, 0])));
  assertEquals(file, undefined);
  assertEquals(await contentOf(context), new Uint8Array([0x1f, 0x8b, 8, 0, 0]));
});

Deno.test("readStreamedContext() gives a build file and an empty context when the stream is text", async () => {
  const { context, file } = await readStreamedContext(streamOf(bytes("FROM scratch\n")));
  assertEquals(file, { type: "text", text: "FROM scratch\n" });
  assertEquals(await contentOf(context), new Uint8Array(1024));
});

Deno.test("readStreamedContext() rejects when the stream is neither", async () => {
  await assertRejects(() => readStreamedContext(streamOf(new Uint8Array([0xff, 0xfe, 0, 1]))), EngineError);
});
