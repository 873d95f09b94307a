import type { Transform } from "node:stream";

type Bytes = Uint8Array<ArrayBuffer>;

/** Size that is asked of Node's transforms for what they give; larger gains nothing (measured on Deno 2.9.6). */
export const nodeChunkBytes = 256 << 10;

/**
 * Sends chunks through a transform stream of Node's and gives what comes out, with its back pressure. What is given is a
 * copy, because such a stream hands out parts of a buffer that it goes on using. Ending early destroys the transform and
 * ends the chunks; an error of either side is thrown as it is.
 */
export async function* throughNode(chunks: AsyncIterable<Bytes>, transform: Transform): AsyncGenerator<Bytes> {
  // Without a listener of ours, an error that comes once nobody iterates any more would end the process.
  transform.on("error", () => {});
  const feeding = feed(chunks, transform);
  try {
    for await (const chunk of transform) yield new Uint8Array(chunk);
  } finally {
    transform.destroy();
    await feeding;
  }
}

/** Never rejects: what the chunks throw is thrown by the transform. */
async function feed(chunks: AsyncIterable<Bytes>, transform: Transform): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (transform.destroyed) return;
      if (!transform.write(chunk)) await drained(transform);
    }
    transform.end();
  } catch (error) {
    transform.destroy(error instanceof Error ? error : new Error(String(error), { cause: error }));
  }
}

function drained(transform: Transform): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      transform.off("drain", done);
      transform.off("close", done);
      resolve();
    };
    transform.on("drain", done);
    transform.on("close", done);
    if (transform.destroyed) done();
  });
}
