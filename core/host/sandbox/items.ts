/** Some items of a walk and whether they are the last ones. */
export interface Batch {
  /** Items in order. */
  readonly values: readonly unknown[];
  /** Whether nothing comes after them. */
  readonly isLast: boolean;
}

/** Most items of a batch, most bytes in it, and how long it is waited for once there is one. */
const limits = { items: 256, bytes: 512 * 1024, ms: 2 };

/** The items of an iterable in batches, as they are asked for. */
export class ItemSource {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #onEnd: () => void;

  /** Walks over the items; `onEnd` is called when the walk is over. */
  constructor(items: AsyncIterable<unknown>, onEnd: () => void) {
    this.#iterator = items[Symbol.asyncIterator]();
    this.#onEnd = onEnd;
  }

  /** The next items. An entry whose content can be opened only until the next one is asked for is the last of its batch. */
  async next(): Promise<Batch> {
    const values: unknown[] = [];
    const start = performance.now();
    let bytes = 0;
    try {
      while (true) {
        const next = await this.#iterator.next();
        if (next.done === true) {
          this.#onEnd();
          return { values, isLast: true };
        }
        values.push(next.value);
        const content: unknown = Object(next.value).content;
        if (typeof content === "function") break;
        if (content instanceof Uint8Array) bytes += content.length;
        if (values.length >= limits.items || bytes >= limits.bytes || performance.now() - start > limits.ms) break;
      }
      return { values, isLast: false };
    } catch (error) {
      this.#onEnd();
      throw error;
    }
  }

  /** Ends the walk early. */
  async leave(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } finally {
      this.#onEnd();
    }
  }
}

/** Calls into the items of the other side. */
export interface ItemCalls {
  /** The next items. */
  next(): Promise<Batch>;
  /** Ends the walk early. */
  leave(): Promise<void>;
}

/** The items of the other side; `open` is called when the first is asked for. */
export async function* readItems(open: () => Promise<ItemCalls>): AsyncGenerator<unknown, void, undefined> {
  const calls = await open();
  let isOver = false;
  try {
    while (!isOver) {
      const batch = await calls.next();
      isOver = batch.isLast;
      yield* batch.values;
    }
  } catch (error) {
    isOver = true;
    throw error;
  } finally {
    if (!isOver) await calls.leave();
  }
}
