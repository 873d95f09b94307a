import type { Head } from "./wire.ts";

/** Longest head and body that are taken. */
const maxHead = 64 * 1024 * 1024;
const maxBody = 64 * 1024 * 1024;

/** A message as bytes: length of the head, length of the body, head as JSON, body. */
export function writeFrame(head: Head, body: ArrayBuffer | undefined): readonly Uint8Array<ArrayBuffer>[] {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const first = new Uint8Array(8 + text.length);
  const view = new DataView(first.buffer);
  view.setUint32(0, text.length);
  view.setUint32(4, body?.byteLength ?? 0);
  first.set(text, 8);
  return body === undefined ? [first] : [first, new Uint8Array(body)];
}

/** A message that was read. */
export type OnFrame = (head: unknown, body: ArrayBuffer | undefined) => void;

/** Puts messages together from bytes as they come. `push` throws `TypeError` or `SyntaxError` for bytes that are none. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #part: Uint8Array<ArrayBuffer> = new Uint8Array(8);
  #filled = 0;
  #lengths: { readonly head: number; readonly body: number } | undefined;

  /** Calls `onFrame` for each message. */
  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Takes more bytes. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = rest.subarray(0, this.#part.length - this.#filled);
      this.#part.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === this.#part.length) this.#complete();
    }
  }

  #complete(): void {
    const { buffer } = this.#part;
    if (this.#lengths === undefined) {
      const view = new DataView(buffer);
      const lengths = { head: view.getUint32(0), body: view.getUint32(4) };
      if (lengths.head === 0 || lengths.head > maxHead || lengths.body > maxBody) {
        throw new TypeError("it sent what is no message");
      }
      this.#lengths = lengths;
      this.#expect(lengths.head + lengths.body);
      return;
    }
    const { head, body } = this.#lengths;
    this.#lengths = undefined;
    this.#expect(8);
    const text = new TextDecoder().decode(new Uint8Array(buffer, 0, head));
    this.#onFrame(JSON.parse(text), body === 0 ? undefined : buffer.slice(head));
  }

  #expect(length: number): void {
    this.#part = new Uint8Array(length);
    this.#filled = 0;
  }
}
