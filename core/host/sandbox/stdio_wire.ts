import { FrameReader, writeFrame } from "./frames.ts";
import type { Head, Wire } from "./wire.ts";

/** A wire over this process's standard input and output. The process ends with its input: without strata there is nothing left to do. */
export function openStdioWire(): Wire {
  // Kept before they are taken from what a plugin sees.
  const { stdin, stdout, exit } = Deno;
  const close = (): Promise<never> => exit(0);
  return {
    send(head: Head, body?: ArrayBuffer): void {
      for (const bytes of writeFrame(head, body)) {
        for (let at = 0; at < bytes.length;) at += stdout.writeSync(bytes.subarray(at));
      }
    },
    listen(onMessage): void {
      const reader = new FrameReader(onMessage);
      const read = async (): Promise<void> => {
        const buffer = new Uint8Array(256 * 1024);
        for (let size = await stdin.read(buffer); size !== null; size = await stdin.read(buffer)) {
          reader.push(buffer.subarray(0, size));
        }
      };
      void read().finally(close);
    },
    close,
  };
}
