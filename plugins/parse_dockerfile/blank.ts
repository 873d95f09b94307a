const wide =
  "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

/** Whether a character is white space in Unicode's sense (which the byte order mark is not). */
export function isSpace(character: string | undefined): boolean {
  if (character === undefined || character === "") return false;
  const code = character.charCodeAt(0);
  return code <= 0x20 ? code === 0x20 || (code >= 0x09 && code <= 0x0d) : code >= 0x85 && wide.includes(character);
}

/** Whether a character separates words of an instruction: blank, tab, vertical tab, form feed, carriage return. */
export function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\v" || character === "\f" || character === "\r";
}

/** First index at or after `from` that holds no white space; the length when there is none. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text[at])) at++;
  return at;
}

/** Index after the last character that is no white space, at least `from`. */
export function endOfText(text: string, from = 0): number {
  let end = text.length;
  while (end > from && isSpace(text[end - 1])) end--;
  return end;
}

/** The text without white space at both ends. */
export function trimSpace(text: string): string {
  return text.slice(skipSpace(text, 0), endOfText(text, skipSpace(text, 0)));
}
