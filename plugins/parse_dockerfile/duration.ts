/** A duration, or why a text is none. */
export type DurationResult = { readonly nanoseconds: number } | { readonly state: string };

const unitNanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  "\u00b5s": 1000n,
  "\u03bcs": 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const part = /([0-9]*)(\.[0-9]*)?([a-z\u00b5\u03bc]+)/y;
const form = "expected a number with a unit, like 30s or 1m30s";

/** Reads Go's notation: `1h2m3.5s`, `300ms`, `0`, with an optional sign. At most some 292 years, and exact as a JavaScript number. */
export function readDuration(text: string): DurationResult {
  const isNegative = text.startsWith("-");
  const body = /^[-+]/.test(text) ? text.slice(1) : text;
  if (body === "0") return { nanoseconds: 0 };
  if (body === "") return { state: `no number, ${form}` };
  if (body.length > 100) return { state: `too long, ${form}` };
  let total = 0n;
  for (part.lastIndex = 0; part.lastIndex < body.length;) {
    const [, whole = "", fraction = "", unit = ""] = part.exec(body) ?? [];
    const scale = Object.hasOwn(unitNanoseconds, unit) ? unitNanoseconds[unit] : undefined;
    const digits = fraction.slice(1);
    if (unit === "") return { state: `no unit, ${form}` };
    if (whole === "" && digits === "") return { state: `no number, ${form}` };
    if (scale === undefined) return { state: `unknown unit "${unit}", expected ns, us, ms, s, m or h` };
    total += BigInt(whole || "0") * scale + (BigInt(digits || "0") * scale) / 10n ** BigInt(digits.length);
  }
  const nanoseconds = Number(isNegative ? -total : total);
  if (total >= 1n << 63n || BigInt(nanoseconds) !== (isNegative ? -total : total)) return { state: "out of range" };
  return { nanoseconds };
}
