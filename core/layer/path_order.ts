/**
 * Orders two names by their UTF-8 bytes: negative, zero or positive. Differs from `<` only where characters beyond
 * U+FFFF meet those from U+E000 on.
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return bytewise(x) - bytewise(y);
  }
  return a.length - b.length;
}

/**
 * Orders two relative paths the way a walk meets them, part by part and bytewise: a directory comes right before what is
 * below it, so `a`, `a/b`, `a-b`. The root `.` comes first.
 */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  if (a === ".") return -1;
  if (b === ".") return 1;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return (x === slash ? -1 : bytewise(x)) - (y === slash ? -1 : bytewise(y));
  }
  return a.length - b.length;
}

const slash = 0x2f;

/** Moves surrogates above all other code units, which is where their UTF-8 form sorts. */
function bytewise(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
