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
  /** What is being read, and how much of it there is. */
  #part: "lengths" | "head" | "body" = "lengths";
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(8);
  #filled = 0;
  #bodyLength = 0;
  #head: unknown;

  /** Calls `onFrame` for each message. */
  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Takes more bytes. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = rest.subarray(0, this.#bytes.length - this.#filled);
      this.#bytes.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === this.#bytes.length) this.#complete(this.#bytes);
    }
  }

  #complete(bytes: Uint8Array<ArrayBuffer>): void {
    switch (this.#part) {
      case "lengths": {
        const view = new DataView(bytes.buffer);
        const headLength = view.getUint32(0);
        this.#bodyLength = view.getUint32(4);
        if (headLength === 0 || headLength > maxHead || this.#bodyLength > maxBody) {
          throw new TypeError("it sent what is no message");
        }
        return this.#expect("head", headLength);
      }
      case "head":
        this.#head = JSON.parse(new TextDecoder().decode(bytes));
        if (this.#bodyLength > 0) return this.#expect("body", this.#bodyLength);
        this.#expect("lengths", 8);
        return this.#onFrame(this.#head, undefined);
      case "body":
        this.#expect("lengths", 8);
        return this.#onFrame(this.#head, bytes.buffer);
    }
  }

  #expect(part: "lengths" | "head" | "body", length: number): void {
    this.#part = part;
    this.#bytes = new Uint8Array(length);
    this.#filled = 0;
  }
}
