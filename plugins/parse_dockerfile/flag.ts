import { quote } from "./fault.ts";
import type { Span } from "./source.ts";
import { failAt, type Statement } from "./statement.ts";
import { nearestName } from "./suggest.ts";
import type { Word } from "./word.ts";

/** What a flag takes: nothing or true and false, one value, or several by being given again. */
export type FlagKind = "switch" | "value" | "list";

/** Flags of an instruction by name, without dashes. */
export type FlagTable = Readonly<Record<string, FlagKind>>;

/** A value of a flag and where it stands. */
export type FlagValue = Word;

/** The flags that an instruction was given. */
export interface Flags {
  /** The value of a flag that takes one; undefined when it was not given or is empty. */
  value(name: string): FlagValue | undefined;
  /** The values of a flag that can be given again, in order. */
  list(name: string): readonly FlagValue[];
  /** What a switch was set to; undefined when it was not given. */
  switch(name: string): boolean | undefined;
}

/** Reads an instruction's flags. Throws `PARSE_FAILED` for a flag that is unknown, given twice, or has a wrong or no value. */
export function readFlags(statement: Statement, table: FlagTable): Flags {
  const found = new Map<string, FlagValue[]>();
  for (const word of statement.flags) {
    const cut = word.text.indexOf("=");
    const name = word.text.slice(2, cut === -1 ? undefined : cut);
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    if (kind === undefined) throw unknownFlag(statement, name, word, Object.keys(table));
    const values = found.get(name) ?? [];
    if (values.length > 0 && kind !== "list") {
      throw failAt(statement, word, {
        message: `Cannot read flag ${quote(`--${name}`)} of ${statement.name}: given twice`,
        hint: "Keep one of the two",
      });
    }
    values.push(readValue(statement, word, { name, kind, cut }));
    found.set(name, values);
  }
  return {
    value: (name) => found.get(name)?.find(({ text }) => text !== ""),
    list: (name) => found.get(name) ?? [],
    switch: (name) => {
      const [value] = found.get(name) ?? [];
      return value === undefined ? undefined : value.text === "true";
    },
  };
}

function readValue(
  statement: Statement,
  word: Word,
  flag: { readonly name: string; readonly kind: FlagKind; readonly cut: number },
): FlagValue {
  const { name, kind, cut } = flag;
  const value = cut === -1 ? "" : word.text.slice(cut + 1);
  const what = `Cannot read flag ${quote(`--${name}`)} of ${statement.name}`;
  if (kind !== "switch") {
    if (cut === -1) {
      throw failAt(statement, word, { message: `${what}: no value`, hint: `Write --${name}=VALUE without a blank` });
    }
    return { text: value, ...valueSpan(statement, word) };
  }
  const isOn = (cut === -1 ? "true" : value).toLowerCase();
  if (isOn !== "true" && isOn !== "false") {
    throw failAt(statement, cut === -1 ? word : valueSpan(statement, word), {
      message: `${what}: ${value === "" ? "no value" : `value ${quote(value)}`}, expected true or false`,
      hint: `Write --${name} or --${name}=false`,
    });
  }
  return { text: isOn, start: word.start, end: word.end };
}

/** Where the value of a flag stands: what follows the first `=`, the whole flag when nothing does. */
function valueSpan(statement: Statement, word: Word): Span {
  const start = statement.line.text.indexOf("=", word.start) + 1;
  return { start: start === 0 || start >= word.end ? word.start : start, end: word.end };
}

function unknownFlag(statement: Statement, name: string, word: Word, known: readonly string[]): Error {
  const nearest = nearestName(name, known);
  const shown = statement.line.text.slice(word.start).split("=", 1)[0] ?? "";
  return failAt(statement, { start: word.start, end: Math.min(word.end, word.start + shown.length) }, {
    message: `Cannot read flag ${quote(`--${name}`)} of ${statement.name}: unknown${
      known.length === 0
        ? `, ${statement.name} takes no flags`
        : `, expected ${known.map((flag) => `--${flag}`).join(" ")}`
    }`,
    hint: nearest !== undefined
      ? `Write --${nearest} instead`
      : known.length === 0
      ? "Put -- before an argument that starts with --"
      : "Leave the flag out",
  });
}
