import type { InstructionFields, Pair } from "./ast.ts";
import { isBlank } from "./blank.ts";
import { quote } from "./fault.ts";
import { readFlags } from "./flag.ts";
import { failAt, failMissing, type Statement } from "./statement.ts";
import { splitQuoted, type Word } from "./word.ts";

/** Reads `ARG name[=value] …`. Throws `PARSE_FAILED`. */
export function readArg(statement: Statement): InstructionFields {
  readFlags(statement, {});
  const words = splitQuoted(statement.line.text, statement.rest, statement.source.escape);
  if (words.length === 0) throw failMissing(statement, "a name", "Write ARG NAME or ARG NAME=VALUE");
  return { kind: "arg", pairs: words.map((word) => cutPair(statement, word)) };
}

/** Reads `ENV` and `LABEL`: `name=value …`, or one name and a value behind a blank. Throws `PARSE_FAILED`. */
export function readPairs(statement: Statement, kind: "env" | "label"): InstructionFields {
  readFlags(statement, {});
  const { name, rest, line, source } = statement;
  const words = splitQuoted(line.text, rest, source.escape);
  const [first] = words;
  if (first === undefined) throw failMissing(statement, "a name and a value", `Write ${name} NAME=VALUE`);
  if (!first.text.includes("=")) return { kind, pairs: [cutLegacyPair(statement)], legacy: true };
  for (const word of words) {
    if (word.text.includes("=")) continue;
    throw failAt(statement, word, {
      message: `Cannot read ${name}: no = in ${quote(word.text)}, expected NAME=VALUE`,
      hint: "Put a value that holds blanks in quotes",
    });
  }
  return { kind, pairs: words.map((word) => cutPair(statement, word)), legacy: false };
}

/** The form without `=`: everything behind the first blanks is the value. */
function cutLegacyPair(statement: Statement): Pair {
  const { text, name } = statement;
  let end = 0;
  while (end < text.length && !isBlank(text[end])) end++;
  let start = end;
  while (start < text.length && isBlank(text[start])) start++;
  if (start === text.length) {
    throw failAt(statement, statement.rest, {
      message: `Cannot read ${name}: no value for ${quote(text)}, expected NAME=VALUE`,
      hint: `Write ${name} NAME=VALUE`,
    });
  }
  return { key: text.slice(0, end), value: text.slice(start) };
}

function cutPair(statement: Statement, word: Word): Pair {
  const cut = word.text.indexOf("=");
  if (cut === -1) return { key: word.text };
  if (cut === 0) {
    throw failAt(statement, word, {
      message: `Cannot read ${statement.name}: no name in ${quote(word.text)}, expected NAME=VALUE`,
      hint: "Put a name before the =",
    });
  }
  return { key: word.text.slice(0, cut), value: word.text.slice(cut + 1) };
}
