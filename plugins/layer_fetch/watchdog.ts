/** Aborts when nothing happened for a while, or when the caller gives up. */
export interface Watchdog extends Disposable {
  /** Aborted by either. */
  readonly signal: AbortSignal;
  /** Whether it was silence. */
  readonly isIdle: boolean;
  /** Tells that something happened, and goes on watching. */
  touch(): void;
  /** Stops watching for silence until the next touch. */
  pause(): void;
}

/** Starts watching; dispose it to stop. */
export function createWatchdog(idleMs: number, outer: AbortSignal): Watchdog {
  const controller = new AbortController();
  let isIdle = false;
  const bark = (): void => {
    isIdle = true;
    controller.abort();
  };
  let timer = setTimeout(bark, idleMs);
  const giveUp = (): void => controller.abort(outer.reason);
  if (outer.aborted) giveUp();
  else outer.addEventListener("abort", giveUp, { once: true });
  return {
    signal: controller.signal,
    get isIdle(): boolean {
      return isIdle;
    },
    touch: () => {
      clearTimeout(timer);
      timer = setTimeout(bark, idleMs);
    },
    pause: () => clearTimeout(timer),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outer.removeEventListener("abort", giveUp);
    },
  };
}
