/** A text in Go's quoted form (`%q`), which is how history shows argument vectors. */
export function quoteGo(text: string): string {
  let result = '"';
  for (const character of text) {
    result += escapes[character] ?? (printable.test(character) ? character : escapeCode(character));
  }
  return result + '"';
}

/** Texts as Go prints a list of quoted strings: `["a" "b"]`. */
export function quoteGoList(texts: readonly string[]): string {
  return `[${texts.map(quoteGo).join(" ")}]`;
}

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function escapeCode(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** A duration in nanoseconds as Go prints it: `30s`, `1m30s`, `1.5ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const hours = Math.floor(nanoseconds / 3.6e12);
  const minutes = Math.floor(nanoseconds / 6e10) % 60;
  const rest = nanoseconds - hours * 3.6e12 - minutes * 6e10;
  const seconds = (rest / 1e9).toFixed(9).replace(/\.?0+$/, "");
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}
