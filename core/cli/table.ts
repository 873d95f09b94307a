/** Least width of a column but the last, and the blanks behind it, as docker's tables have them. */
const minWidth = 10;
const padding = 3;

/** Lines of cells as text with aligned columns; the last cell of a line is not padded. Every line ends with a newline. */
export function formatTable(lines: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const line of lines) {
    for (let i = 0; i < line.length - 1; i++) {
      widths[i] = Math.max(widths[i] ?? minWidth, (line[i] ?? "").length + padding);
    }
  }
  // All pieces are joined once: a string made for each cell and line would be most of the work.
  const pieces: string[] = [];
  for (const line of lines) {
    let missing = 0;
    for (let i = 0; i < line.length; i++) {
      const cell = (line[i] ?? "").trimEnd();
      if (cell !== "") pieces.push(blanks(missing), cell);
      missing = (cell === "" ? missing : 0) + (widths[i] ?? 0) - cell.length;
    }
    pieces.push("\n");
  }
  return pieces.join("");
}

const blanksByCount: string[] = [];

function blanks(count: number): string {
  return blanksByCount[count] ??= " ".repeat(count);
}
