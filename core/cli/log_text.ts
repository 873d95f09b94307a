import { printableOutput } from "./color.ts";

/** Longest line that is kept whole; the rest goes on the next. */
const maxLineLength = 16_384;

/**
 * Makes lines of the bytes that a command writes to one stream. What a carriage return writes over, as progress bars do, is left out;
 * colours are taken out and other control characters shown as escapes.
 */
export class LogText {
  readonly #decoder = new TextDecoder();
  #line = "";
  /** Whether a carriage return came last: what comes next takes the place of the line. */
  #isReturned = false;

  /** Takes bytes; gives the lines that they end. */
  push(data: Uint8Array): string[] {
    const lines: string[] = [];
    const text = this.#decoder.decode(data, { stream: true });
    let at = 0;
    for (const { 0: end, index } of text.matchAll(/[\r\n]/g)) {
      this.#add(text.slice(at, index), lines);
      at = index + 1;
      this.#isReturned = end === "\r";
      if (end === "\n") lines.push(this.#take());
    }
    this.#add(text.slice(at), lines);
    return lines;
  }

  /** The line that has not ended yet. */
  get rest(): string {
    return printableOutput(this.#line);
  }

  /** Gives the line that has not ended, when there is one. */
  end(): string[] {
    const lines: string[] = [];
    this.#add(this.#decoder.decode(), lines);
    if (this.#line !== "") lines.push(this.#take());
    return lines;
  }

  #add(text: string, lines: string[]): void {
    if (text === "") return;
    if (this.#isReturned) this.#line = "";
    this.#isReturned = false;
    this.#line += text;
    while (this.#line.length > maxLineLength) {
      lines.push(printableOutput(this.#line.slice(0, maxLineLength)));
      this.#line = this.#line.slice(maxLineLength);
    }
  }

  #take(): string {
    const line = printableOutput(this.#line);
    this.#line = "";
    return line;
  }
}
