/** One event of a job, as text. */
export interface JobLine {
  /** Its number, from 0. */
  readonly at: number;
  /** Type of the event; `result` or `error` for the last one. */
  readonly type: string;
  /** JSON, without a line break. */
  readonly text: string;
}

/** Most characters that a job that is at work keeps of its events. */
const maxLength = 8 * 1024 * 1024;

/** The events of a job: the newest are kept, and any number of readers can follow them. */
export class JobLog {
  #lines: JobLine[] = [];
  #length = 0;
  #next = 0;
  #hasEnded = false;
  #change = Promise.withResolvers<void>();

  /** How many events there were. */
  get count(): number {
    return this.#next;
  }

  /** How many of them are gone, the oldest ones. */
  get dropped(): number {
    return this.#next - this.#lines.length;
  }

  /** Characters that are kept. */
  get length(): number {
    return this.#length;
  }

  /** Keeps one more event; of too many, the older half goes. */
  add(type: string, value: object): void {
    const text = JSON.stringify(value);
    this.#lines.push({ at: this.#next++, type, text });
    this.#length += text.length;
    if (this.#length > maxLength) this.#drop(Math.max(1, Math.floor(this.#lines.length / 2)));
    this.#wake();
  }

  /** There are no more to come. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** Forgets every event but the last one. */
  clear(): void {
    this.#drop(this.#lines.length - 1);
  }

  /** The events that are kept. */
  lines(): readonly JobLine[] {
    return this.#lines;
  }

  /**
   * Events from a number on, in order, as many at once as there are, and those to come, until the job has ended or the signal is aborted.
   * What is gone already is told by a line of type `warning` with code `EventsDropped`.
   */
  async *follow(from: number, signal: AbortSignal): AsyncGenerator<readonly JobLine[], void> {
    const stopped = Promise.withResolvers<void>();
    const stop = (): void => stopped.resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      for (let next = from; !signal.aborted;) {
        const batch = this.#from(next);
        if (batch.length > 0) {
          next = (batch.at(-1)?.at ?? next) + 1;
          yield batch;
        } else if (this.#hasEnded) return;
        else await Promise.race([this.#change.promise, stopped.promise]);
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #from(from: number): readonly JobLine[] {
    const { dropped } = this;
    const lines = this.#lines.slice(Math.max(0, from - dropped));
    if (from >= dropped) return lines;
    const message = `${dropped - from} events are not kept any more`;
    const text = JSON.stringify({ type: "warning", code: "EventsDropped", message });
    return [{ at: dropped - 1, type: "warning", text }, ...lines];
  }

  #drop(count: number): void {
    for (const { text } of this.#lines.splice(0, count)) this.#length -= text.length;
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
