const codes = { red: 31, green: 32, yellow: 33, blue: 34, cyan: 36, dim: 2, bold: 1 } as const;

/** Names of what {@linkcode paint} knows. */
export type Color = keyof typeof codes;

/** The text in a colour, or as it is where colours are off. */
export function paint(color: Color, text: string, hasColor: boolean): string {
  return hasColor ? `\x1b[${codes[color]}m${text}\x1b[0m` : text;
}

/** Text of others made safe for a terminal: control characters but tab and newline are shown as escapes. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** The same for text that has to stay on its line and in its column, such as a file's name: tab and newline are shown too. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\t", "\\t").replaceAll("\n", "\\n");
}

/**
 * A line that a command wrote as text: what a carriage return wrote over, colours and erasing are left out, other control characters
 * shown as escapes.
 */
export function printableOutput(line: string): string {
  const text = line.replace(/\r+$/, "");
  // deno-lint-ignore no-control-regex -- control sequences are what is looked for
  return printable(text.slice(text.lastIndexOf("\r") + 1).replace(/\x1b\[[0-9;:]*[mK]/g, ""));
}
