const maxLines = 20;
const maxLineLength = 2000;

/** Keeps the last lines of what a command printed. */
export class OutputTail {
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #rest = "";

  /** Takes the next bytes. */
  add(data: Uint8Array): void {
    const parts = (this.#rest + this.#decoder.decode(data, { stream: true })).split("\n");
    this.#rest = (parts.pop() ?? "").slice(-maxLineLength);
    for (const part of parts) this.#lines.push(part.slice(0, maxLineLength));
    this.#lines.splice(0, this.#lines.length - maxLines);
  }

  /** The last lines, at most 20, each cut at 2,000 characters. */
  lines(): readonly string[] {
    const all = this.#rest === "" ? this.#lines : [...this.#lines, this.#rest];
    return all.slice(-maxLines);
  }
}
