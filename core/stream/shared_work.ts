import type { Call } from "../contract/call.ts";
import { throwIfAborted, unlessAborted } from "./abort.ts";

/** One piece of work, and who waits for it. */
interface Piece<V> {
  readonly controller: AbortController;
  readonly result: Promise<V>;
  waiting: number;
}

/**
 * Work that several callers need and that is done once, by key. What it gives is kept; a failure is not, so that the next
 * caller tries again. It is canceled when the last of those who wait for it gives up, never because the first one does.
 */
export class SharedWork<K, V> {
  readonly #pieces = new Map<K, Piece<V>>();
  readonly #running = new Set<Promise<unknown>>();

  /**
   * What the work of a key gives, done now unless that was begun before. Events go to the caller who began it. Rejects as the
   * work does, and `CANCELED` as soon as the caller's own signal aborts.
   */
  async get(key: K, work: (call: Call) => Promise<V>, call: Call): Promise<V> {
    throwIfAborted(call.signal);
    const piece = this.#pieces.get(key) ?? this.#begin(key, work, call);
    piece.waiting++;
    return await unlessAborted(piece.result, call.signal, () => {
      if (--piece.waiting > 0) return;
      this.#drop(key, piece);
      piece.controller.abort(call.signal.reason);
    });
  }

  /** Lets the next caller begin anew. Those who wait for the work that is going on get what that gives. */
  forget(key: K): void {
    this.#pieces.delete(key);
  }

  /** Forgets all, when no work is going on any more. */
  async clear(): Promise<void> {
    await this.idle();
    this.#pieces.clear();
  }

  /** Settles when no work is going on, that of callers who gave up included. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  #begin(key: K, work: (call: Call) => Promise<V>, { emit }: Call): Piece<V> {
    const controller = new AbortController();
    const result = work({ signal: controller.signal, emit });
    const piece: Piece<V> = { controller, result, waiting: 0 };
    this.#pieces.set(key, piece);
    this.#running.add(result);
    result.catch(() => this.#drop(key, piece)).finally(() => this.#running.delete(result));
    return piece;
  }

  #drop(key: K, piece: Piece<V>): void {
    if (this.#pieces.get(key) === piece) this.#pieces.delete(key);
  }
}
