/** Who uses a directory that goes away when nobody does any more. */
export class Users {
  #count = 0;
  #idle = Promise.withResolvers<void>();

  /** Notes one more; disposing it says that it is done. */
  hold(): Disposable {
    if (this.#count++ === 0) this.#idle = Promise.withResolvers<void>();
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--this.#count === 0) this.#idle.resolve();
      },
    };
  }

  /** Settles when there is none. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#idle.promise;
  }
}
