import { FrameReader, writeFrame } from "./frames.ts";
import type { Wire } from "./wire.ts";

/** A process that a plugin runs in. */
export interface PluginProcess {
  /** Takes bytes for its standard input. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** What it writes. */
  readonly output: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Resolves when it has ended, with what is known of the reason. */
  readonly ended: Promise<string>;
  /** Ends it at once. */
  end(): Promise<void>;
}

/**
 * A wire to a process that serves a plugin; resolves when it is ready, which it has to be within `startMs` milliseconds. Rejects with what is known when it ends before, which it does where the
 * machine does not let it start.
 */
export async function openProcessWire(process: PluginProcess, startMs: number): Promise<Wire> {
  let listener: ((head: unknown, body: ArrayBuffer | undefined) => void) | undefined;
  let tell: ((reason: string) => void) | undefined;
  let isOver = false;
  const end = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    void process.end();
    tell?.(reason);
  };
  const ready = Promise.withResolvers<void>();
  const reader = new FrameReader((head, body) => {
    if (listener !== undefined) return isOver ? undefined : listener(head, body);
    if (Object(head).t === "ready") ready.resolve();
    else ready.reject(new TypeError("it did not start as it should"));
  });
  const read = async (): Promise<void> => {
    try {
      for await (const bytes of process.output) reader.push(bytes);
    } catch (error) {
      end(error instanceof Error ? error.message : String(error));
    }
    const reason = await process.ended;
    ready.reject(new TypeError(reason));
    end(reason);
  };
  void read();
  const timer = setTimeout(() => {
    const reason = `it did not start within ${startMs / 1000} s`;
    ready.reject(new TypeError(reason));
    end(reason);
  }, startMs);
  await ready.promise.finally(() => clearTimeout(timer));
  return {
    send(head, body): void {
      for (const bytes of writeFrame(head, body)) process.write(bytes).catch(() => {});
    },
    listen(onMessage, onEnd): void {
      listener = onMessage;
      tell = onEnd;
      if (isOver) onEnd("it has ended");
    },
    async close(): Promise<void> {
      isOver = true;
      await process.end();
    },
  };
}
