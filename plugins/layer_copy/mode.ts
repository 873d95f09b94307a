import type { Kit } from "../../core/contract/mod.ts";

/** What `--chmod` does to permission bits. */
export interface ModeChange {
  /** The new bits of something that has the given ones. */
  apply(mode: number, isDirectory: boolean): number;
  /** Bits of a directory that has to be made on the way to the destination. */
  readonly made: number;
}

/** Bits of directories made without `--chmod`, and with a symbolic one. */
export const defaultDirectoryMode = 0o755;

const setUser = 0o4000;
const setGroup = 0o2000;
const sticky = 0o1000;
const whoBits: Readonly<Record<string, number>> = {
  u: setUser | 0o700,
  g: setGroup | 0o070,
  o: 0o007,
  a: setUser | setGroup | 0o777,
};
const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

interface Action {
  readonly who: number;
  readonly op: string;
  readonly bits: number;
  readonly isConditional: boolean;
  /** Class whose bits are copied, as a shift. */
  readonly copied: number | undefined;
}

/**
 * Reads a mode: octal from 0 to 7777, which replaces all bits, or symbolic as chmod(1) takes it (`u=rwX,go=rX`, `g=u`,
 * `+t`), with no umask. As in BuildKit an octal mode also counts for directories that are made on the way, a symbolic
 * one does not. Throws `INVALID_ARGUMENT`.
 */
export function parseMode(text: string, kit: Kit): ModeChange {
  if (/^[0-9]/.test(text)) {
    const mode = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : -1;
    if (mode < 0 || mode > 0o7777) throw badMode(text, kit);
    return { apply: () => mode, made: mode & 0o777 };
  }
  const actions = text.split(",").flatMap((clause) => parseClause(clause) ?? fail(badMode(text, kit)));
  return { apply: (mode, isDirectory) => applyActions(actions, mode, isDirectory), made: defaultDirectoryMode };
}

function parseClause(clause: string): Action[] | undefined {
  const match = /^([augo]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause);
  if (match === null) return undefined;
  let named = 0;
  for (const letter of match[1] ?? "") named |= whoBits[letter] ?? 0;
  return [...(match[2] ?? "").matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map(([, op = "", perms = ""]) => {
    const who = named === 0 ? 0o6777 : named;
    const copied = shifts[perms];
    if (copied !== undefined) return { who, op, bits: 0, isConditional: false, copied };
    // Set-id and sticky bits mean nothing for others alone.
    const mask = named === 0o007 ? who : who | sticky;
    return { who, op, bits: bitsOf(perms, op) & mask, isConditional: perms.includes("X") && op !== "-", copied };
  });
}

function bitsOf(perms: string, op: string): number {
  let bits = 0;
  for (const letter of perms) {
    if (letter === "r") bits |= 0o444;
    else if (letter === "w") bits |= 0o222;
    else if (letter === "x" || (letter === "X" && op === "-")) bits |= 0o111;
    else if (letter === "s") bits |= setUser | setGroup;
    else if (letter === "t") bits |= sticky;
  }
  return bits;
}

function applyActions(actions: readonly Action[], original: number, isDirectory: boolean): number {
  const mayExecute = isDirectory || (original & 0o111) !== 0;
  let mode = original;
  for (const { who, op, bits, isConditional, copied } of actions) {
    let change = bits;
    let cleared = who;
    if (copied !== undefined) {
      const value = (mode >> copied) & 0o7;
      change = (value << 6 | value << 3 | value) & who;
      cleared = who & 0o777;
    }
    if (isConditional && mayExecute) change |= who & 0o111;
    if (op === "=") mode &= ~cleared;
    mode = op === "-" ? mode & ~change : mode | change;
  }
  return mode;
}

function badMode(text: string, kit: Kit): Error {
  const shown = text.slice(0, 100);
  return kit.error(
    "INVALID_ARGUMENT",
    `Cannot use mode "${shown}": expected octal digits from 0 to 7777, or a symbolic mode`,
    {
      detail: { field: "chmod", value: shown },
      hint: "Write it as chmod takes it, such as --chmod=0644 or --chmod=u=rwX,go=rX",
    },
  );
}

function fail(error: Error): never {
  throw error;
}
