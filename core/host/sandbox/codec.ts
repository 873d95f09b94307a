import type { Head } from "./wire.ts";

/** Collects the bytes that go with a message, one after the other. */
export class Body {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  /** Takes bytes in, which are copied by {@linkcode Body.finish}; gives where they will be. */
  add(bytes: Uint8Array): number {
    const at = this.#size;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return at;
  }

  /** A buffer of its own with all bytes; undefined when there are none. */
  finish(): ArrayBuffer | undefined {
    if (this.#size === 0) return undefined;
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole.buffer;
  }
}

/** Member that marks an object of the wire as something else than itself. */
const mark = "$";

/**
 * Data as it goes over the wire: JSON, bytes (which go into `body`), dates, sets, undefined and numbers that JSON does not have.
 * Members that are undefined are left out. Throws `TypeError` for functions and other things that are no data.
 */
export function encodeData(value: unknown, body: Body): Head {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : { [mark]: "number", text: String(value) };
    case "undefined":
      return { [mark]: "undefined" };
    case "object":
      return value === null ? null : encodeObject(value, body);
    default:
      throw new TypeError(`a ${typeof value} is no data`);
  }
}

function encodeObject(value: object, body: Body): Head {
  if (Array.isArray(value)) return value.map((item) => encodeData(item, body));
  if (value instanceof Uint8Array) return { [mark]: "bytes", at: body.add(value), size: value.length };
  if (value instanceof Date) return { [mark]: "date", ms: value.getTime() };
  if (value instanceof Set) return { [mark]: "set", items: [...value].map((item) => encodeData(item, body)) };
  const members: [string, Head][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push([name, encodeData(member, body)]);
  }
  const plain = Object.fromEntries(members);
  return Object.hasOwn(plain, mark) ? { [mark]: "object", members: plain } : plain;
}

/** The data that a message holds. Throws `TypeError` for what {@linkcode encodeData} does not make. */
export function decodeData(head: unknown, body: ArrayBuffer | undefined): unknown {
  if (typeof head !== "object" || head === null) return head;
  if (Array.isArray(head)) return head.map((item: unknown) => decodeData(item, body));
  const members: Readonly<Record<string, unknown>> = { ...head };
  if (!Object.hasOwn(members, mark)) return decodeMembers(members, body);
  switch (members[mark]) {
    case "undefined":
      return undefined;
    case "number":
      return Number(members.text);
    case "bytes":
      return cut(members, body);
    case "date":
      return new Date(Number(members.ms));
    case "set":
      return new Set(listOf(members.items).map((item) => decodeData(item, body)));
    case "object":
      return decodeMembers({ ...Object(members.members) }, body);
    default:
      throw new TypeError("it is of no known kind");
  }
}

function decodeMembers(members: Readonly<Record<string, unknown>>, body: ArrayBuffer | undefined): object {
  // Object.fromEntries makes members of its own also of names such as __proto__.
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, decodeData(member, body)]));
}

/** A copy, so that it can be given away without the other bytes of the message. */
function cut({ at, size }: Readonly<Record<string, unknown>>, body: ArrayBuffer | undefined): Uint8Array<ArrayBuffer> {
  const [start, length, end] = [Number(at), Number(size), body?.byteLength ?? 0];
  const isInside = Number.isSafeInteger(start) && Number.isSafeInteger(length) && start >= 0 && length >= 0;
  if (!isInside || start + length > end) throw new TypeError("its bytes are missing");
  return body === undefined ? new Uint8Array() : new Uint8Array(body, start, length).slice();
}

/** The items of what should be a list. Throws `TypeError`. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("it is no list");
}
