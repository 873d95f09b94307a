/**
 * Text cut to so many columns of a terminal. A character that may be wide counts as two, so that the line never wraps; a tab is
 * shown as a blank.
 */
export function clip(text: string, columns: number): string {
  const line = text.replaceAll("\t", " ");
  if (line.length * 2 <= columns) return line;
  let width = 0;
  let end = 0;
  for (const char of line) {
    width += isNarrow(char.codePointAt(0) ?? 0) ? 1 : 2;
    if (width > columns) break;
    end += char.length;
  }
  return line.slice(0, end);
}

/** Whether a character takes one column everywhere; from U+1100 on only punctuation, arrows, lines and blocks surely do. */
function isNarrow(code: number): boolean {
  return code < 0x1100 || (code >= 0x2010 && code < 0x2300) || (code >= 0x2500 && code < 0x25fd);
}
