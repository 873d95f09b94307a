/** Aborts when nothing happened for a while, or when the caller gives up. */
export interface Watchdog extends Disposable {
  /** Aborted by either. */
  readonly signal: AbortSignal;
  /** Whether it was silence. */
  readonly isIdle: boolean;
  /** Tells that something happened, and goes on watching; the next silence may be `patience` times as long. */
  touch(patience?: number): void;
  /** Stops watching for silence until the next touch. */
  pause(): void;
}

/** Starts watching; dispose it to stop. */
export function createWatchdog(idleMs: number, outer: AbortSignal): Watchdog {
  const controller = new AbortController();
  let isIdle = false;
  let deadline = performance.now() + idleMs;
  let timer = setTimeout(check, idleMs);
  // One timer that looks again from time to time, because chunks come by the thousand.
  function check(): void {
    const left = deadline - performance.now();
    if (left > 0) {
      timer = setTimeout(check, Math.min(left, idleMs));
      return;
    }
    isIdle = true;
    controller.abort();
  }
  const giveUp = (): void => controller.abort(outer.reason);
  if (outer.aborted) giveUp();
  else outer.addEventListener("abort", giveUp, { once: true });
  return {
    signal: controller.signal,
    get isIdle(): boolean {
      return isIdle;
    },
    touch: (patience = 1) => deadline = performance.now() + idleMs * patience,
    pause: () => deadline = Infinity,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outer.removeEventListener("abort", giveUp);
    },
  };
}
