import { isBlank } from "./blank.ts";
import type { Word } from "./word.ts";

/** A quote in a flag that is not closed. */
export interface OpenQuote {
  readonly openQuote: number;
}

/**
 * Cuts the flags off the start of an instruction's arguments: words that start with `--`, quotes and escapes removed; `--` alone ends them.
 * `next` is where the rest starts.
 */
export function cutFlags(
  text: string,
  from: number,
  escape: string,
): { readonly words: readonly Word[]; readonly next: number } | OpenQuote {
  const words: Word[] = [];
  let at = from;
  for (;;) {
    while (at < text.length && isBlank(text[at])) at++;
    if (text[at] !== "-" || text[at + 1] !== "-") return { words, next: at };
    const word = readFlagWord(text, at, escape);
    if ("openQuote" in word) return word;
    at = word.end;
    if (word.text === "--") return { words, next: at };
    words.push(word);
  }
}

function readFlagWord(text: string, start: number, escape: string): Word | OpenQuote {
  let word = "";
  let open = -1;
  let at = start;
  for (; at < text.length; at++) {
    const character = text.charAt(at);
    if (open !== -1 && character === text[open]) open = -1;
    else if (open === -1 && isBlank(character)) break;
    else if (open === -1 && (character === "'" || character === '"')) open = at;
    else if (character === escape) word += text.charAt(++at);
    else word += character;
  }
  return open === -1 ? { text: word, start, end: Math.min(at, text.length) } : { openQuote: open };
}
