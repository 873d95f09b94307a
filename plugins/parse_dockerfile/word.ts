import { isBlank, isSpace } from "./blank.ts";
import type { Span } from "./source.ts";

/** A word and where it stands in the text that it was read from. */
export interface Word extends Span {
  readonly text: string;
}

/** Words between blanks; quotes have no meaning. */
export function splitBlanks(text: string, from: number, to: number): readonly Word[] {
  const words: Word[] = [];
  let start = from;
  for (let at = from; at <= to; at++) {
    if (at < to && !isBlank(text[at])) continue;
    if (at > start) words.push({ text: text.slice(start, at), start, end: at });
    start = at + 1;
  }
  return words;
}

/**
 * Words between white space that is neither quoted nor escaped. Quotes and escapes stay in them; an escape character that ends the text
 * is dropped. A quote that is not closed goes on to the end.
 */
export function splitQuoted(text: string, span: Span, escape: string): readonly Word[] {
  const words: Word[] = [];
  let start = -1;
  let quote = "";
  for (let at = span.start; at < span.end; at++) {
    const character = text[at] ?? "";
    if (start === -1) {
      if (isSpace(character)) continue;
      start = at;
    }
    if (quote === "" && isSpace(character)) {
      words.push({ text: text.slice(start, at), start, end: at });
      start = -1;
    } else if (character === escape && quote !== "'") at++;
    else if (character === quote) quote = "";
    else if (quote === "" && (character === "'" || character === '"')) quote = character;
  }
  if (start === -1) return words;
  const end = endsInEscape(text, { start, end: span.end }, escape) ? span.end - 1 : span.end;
  if (end > start) words.push({ text: text.slice(start, end), start, end });
  return words;
}

/** Whether a word ends in an escape character that nothing follows. */
function endsInEscape(text: string, span: Span, escape: string): boolean {
  let quote = "";
  for (let at = span.start; at < span.end; at++) {
    const character = text[at] ?? "";
    if (character === escape && quote !== "'") {
      if (at + 1 === span.end) return true;
      at++;
    } else if (character === quote) quote = "";
    else if (quote === "" && (character === "'" || character === '"')) quote = character;
  }
  return false;
}
