import type { EngineError, Kit } from "../../core/contract/mod.ts";
import { isSpace } from "./blank.ts";
import { bound, quote } from "./fault.ts";
import { type GlobPattern, readGlob } from "./glob.ts";
import { removePrefix, removeSuffix, substitute } from "./substitute.ts";

/** The value of a variable, or undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/** What is wrong with a text, and the code units it is about. */
export interface LexFault {
  readonly state: string;
  readonly start: number;
  readonly end: number;
  /** What to do about it. */
  readonly hint: string;
}

/** How a text is read. */
export interface LexOptions {
  /** The character that takes the meaning of the next one away. */
  readonly escape: string;
  /** What quotes do: `remove` groups and drops them, `keep` groups and keeps them, `plain` makes them ordinary characters. */
  readonly quotes: "remove" | "keep" | "plain";
  /** Whether escape characters stay in the result. */
  readonly escapes: "remove" | "keep";
  /** What an unset variable becomes: nothing, or itself as written. */
  readonly unset: "empty" | "keep";
  /** Makes the error to throw. */
  readonly fail: (fault: LexFault) => EngineError;
}

/** A text read. */
export interface LexResult {
  /** The whole as one word. */
  readonly text: string;
  /** The words of it: split at white space that was neither quoted nor escaped, also inside values. Empty ones are dropped. */
  readonly words: readonly string[];
  /** Names that were looked up and found, in order, each once. */
  readonly used: readonly string[];
  /** Names that were looked up and not found, in order, each once. */
  readonly unknown: readonly string[];
}

const maxDepth = 200;
const maxWork = 1 << 26;
const maxLength = 1 << 24;
const maxMessage = 1000;
const nameStart = /[\p{L}_]/u;
const namePart = /[\p{L}\p{Nd}_]/u;
const digit = /\p{Nd}/u;
const special = "@*#?-$!0";
const closeQuote = "Close the quote, or put the escape character before it";

/** Reads shell-like text: quotes, escapes, variables and `<<` marks. Throws what `options.fail` makes. */
export function lex(text: string, lookup: Lookup, options: LexOptions): LexResult {
  return new Lexer(text, lookup, options).run();
}

/** As {@linkcode lex}, but undefined when the text cannot be read; without a lookup no variable is set. */
export function tryLex(
  text: string,
  kit: Kit,
  options: Omit<LexOptions, "fail"> & { readonly lookup?: Lookup },
): LexResult | undefined {
  const seen: EngineError[] = [];
  const fail = (fault: LexFault): EngineError => {
    const error = kit.error("PARSE_FAILED", `Cannot read text: ${fault.state}`);
    seen.push(error);
    return error;
  };
  try {
    return lex(text, options.lookup ?? (() => undefined), { ...options, fail });
  } catch (error) {
    if (seen.some((each) => each === error)) return undefined;
    throw error;
  }
}

/** Collects words beside the whole text. */
class Words {
  readonly #words: string[] = [];
  #word = "";

  /** Adds text whose white space separates words. */
  add(text: string): void {
    let start = 0;
    for (let i = 0; i <= text.length; i++) {
      if (i < text.length && !isSpace(text[i])) continue;
      this.#word += text.slice(start, i);
      if (i < text.length) this.#close();
      start = i + 1;
    }
  }

  /** Adds text as it is. */
  addRaw(text: string): void {
    this.#word += text;
  }

  #close(): void {
    if (this.#word !== "") this.#words.push(this.#word);
    this.#word = "";
  }

  /** All words. */
  end(): readonly string[] {
    this.#close();
    return this.#words;
  }
}

class Lexer {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #options: LexOptions;
  readonly #used = new Set<string>();
  readonly #unknown = new Set<string>();
  #at = 0;
  #depth = 0;

  constructor(text: string, lookup: Lookup, options: LexOptions) {
    this.#text = text;
    this.#lookup = lookup;
    this.#options = options;
  }

  run(): LexResult {
    const words = new Words();
    const text = this.#readUntil("", { keepEscapes: this.#options.escapes === "keep", start: 0, words });
    return { text, words: words.end(), used: [...this.#used], unknown: [...this.#unknown] };
  }

  /** Reads up to `stop` and past it; to the end when `stop` is empty. */
  #readUntil(
    stop: string,
    part: { readonly keepEscapes: boolean; readonly start: number; readonly words?: Words },
  ): string {
    const { keepEscapes, words } = part;
    let result = "";
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === stop) {
        this.#at++;
        return result;
      }
      const read = this.#readSpecial(character, keepEscapes);
      if (read !== undefined) {
        result += read;
        if (result.length > maxLength) throw this.#tooLong(part.start);
        if (character === "$") words?.add(read);
        else words?.addRaw(read);
        continue;
      }
      const plain = this.#readPlain(stop);
      result += plain;
      words?.add(plain);
    }
    if (stop !== "") throw this.#unclosed(stop, part.start);
    return result;
  }

  /** A run of ordinary characters. */
  #readPlain(stop: string): string {
    const start = this.#at++;
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === stop || `$<'"${this.#options.escape}`.includes(character)) break;
      this.#at++;
    }
    return this.#text.slice(start, this.#at);
  }

  /** What a character with a meaning stands for; undefined when it has none here. */
  #readSpecial(character: string, keepEscapes: boolean): string | undefined {
    if (character === "$") return this.#readDollar();
    if (character === "<") return this.#readMark();
    if (this.#options.quotes !== "plain") {
      if (character === "'") return this.#readSingleQuoted();
      if (character === '"') return this.#readDoubleQuoted(keepEscapes);
    }
    if (character !== this.#options.escape) return undefined;
    const next = this.#text.charAt(++this.#at);
    this.#at += next === "" ? 0 : 1;
    return (keepEscapes ? character : "") + next;
  }

  /** `<<` keeps the blanks after it, so that a here-document's name stays in one word with its mark. */
  #readMark(): string {
    const start = this.#at++;
    if (this.#text[this.#at] !== "<") return "<";
    this.#at++;
    while (" \t\r".includes(this.#text[this.#at] ?? "end")) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #readSingleQuoted(): string {
    const start = this.#at;
    const end = this.#text.indexOf("'", start + 1);
    if (end === -1) throw this.#fault("a single quote is not closed", { start, hint: closeQuote });
    this.#at = end + 1;
    return this.#options.quotes === "keep" ? this.#text.slice(start, end + 1) : this.#text.slice(start + 1, end);
  }

  #readDoubleQuoted(keepEscapes: boolean): string {
    const start = this.#at++;
    const mark = this.#options.quotes === "keep" ? '"' : "";
    const { escape } = this.#options;
    let result = mark;
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === '"') {
        this.#at++;
        return result + mark;
      }
      if (character === "$") {
        result += this.#readDollar();
        if (result.length > maxLength) throw this.#tooLong(start);
        continue;
      }
      this.#at++;
      if (character === escape) {
        const next = this.#text.charAt(this.#at);
        if (keepEscapes) result += character;
        if (next !== '"' && next !== "$" && next !== escape) result += character;
        else {
          result += next;
          this.#at++;
        }
      } else result += character;
    }
    throw this.#fault("a double quote is not closed", { start, hint: closeQuote });
  }

  #readDollar(): string {
    const start = this.#at++;
    if (this.#text[this.#at] !== "{") {
      const name = this.#readName();
      if (name === "") return "$";
      return this.#value(name) ?? (this.#options.unset === "keep" ? `$${name}` : "");
    }
    this.#at++;
    if (++this.#depth > maxDepth) {
      throw this.#fault(`more than ${maxDepth} substitutions inside each other`, { start, hint: "Use an ARG between" });
    }
    const result = this.#readBraces(start);
    this.#depth--;
    return result;
  }

  /** What follows `${`. */
  #readBraces(start: number): string {
    if ("{}:".includes(this.#text[this.#at] ?? "end")) {
      throw this.#fault("bad substitution", {
        start,
        end: this.#at + 1,
        hint: "Write ${NAME}, or \\$ for a dollar sign",
      });
    }
    const name = this.#readName();
    const operator = this.#text[this.#at++];
    if (operator === "}") return this.#value(name) ?? (this.#options.unset === "keep" ? `\${${name}}` : "");
    if (operator === "/") return this.#readReplacement(name, start);
    if (operator === undefined) throw this.#unclosed("}", start);
    if (operator === ":") {
      const next = this.#text[this.#at++];
      if (next === undefined) throw this.#unclosed("}", start);
      if (!"+-?".includes(next)) throw this.#unsupported(`:${next}`, start);
      return this.#readDefault({ name, operator: next, emptyIsUnset: true, start });
    }
    if ("+-?".includes(operator)) return this.#readDefault({ name, operator, emptyIsUnset: false, start });
    if ("#%".includes(operator)) return this.#readTrim(name, operator, start);
    throw this.#unsupported(operator, start);
  }

  /** `-w`, `+w` and `?w`, with or without the colon. */
  #readDefault(
    part: { readonly name: string; readonly operator: string; readonly emptyIsUnset: boolean; readonly start: number },
  ): string {
    const word = this.#readUntil("}", { keepEscapes: false, start: part.start });
    const value = this.#value(part.name);
    const sign = (part.emptyIsUnset ? ":" : "") + part.operator;
    if (value === undefined && this.#options.unset === "keep") return `\${${part.name}${sign}${word}}`;
    const isMissing = value === undefined || (part.emptyIsUnset && value === "");
    if (part.operator === "+") return isMissing ? "" : word;
    if (!isMissing) return value;
    if (part.operator === "-") return word;
    const state = `variable ${quote(part.name)} is ${value === undefined ? "not set" : "empty"}`;
    throw this.#fault(word === "" ? state : `${state}: ${bound(word, maxMessage)}`, {
      start: part.start,
      end: this.#at,
      hint: `Set ${part.name} with ENV or ARG before, or an ARG with --build-arg ${part.name}=VALUE`,
    });
  }

  /** `#p`, `##p`, `%p` and `%%p`. */
  #readTrim(name: string, operator: string, start: number): string {
    const word = this.#readUntil("}", { keepEscapes: true, start });
    const value = this.#value(name);
    if (value === undefined && this.#options.unset === "keep") return `\${${name}${operator}${word}}`;
    const longest = word.startsWith(operator);
    const pattern = this.#pattern(longest ? word.slice(1) : word, value ?? "", start);
    return operator === "#" ? removePrefix(value ?? "", pattern, longest) : removeSuffix(value ?? "", pattern, longest);
  }

  /** `/p/r` and `//p/r`. */
  #readReplacement(name: string, start: number): string {
    const every = this.#text[this.#at] === "/";
    if (every) this.#at++;
    const written = this.#readUntil("/", { keepEscapes: true, start });
    const replacement = this.#readUntil("}", { keepEscapes: true, start });
    const value = this.#value(name);
    if (value === undefined && this.#options.unset === "keep") return `\${${name}/${written}/${replacement}}`;
    const pattern = this.#pattern(written, value ?? "", start);
    if (replacement.length * (value ?? "").length > maxWork) throw this.#tooLong(start);
    return substitute(value ?? "", pattern, { replacement, every });
  }

  #pattern(written: string, value: string, start: number): GlobPattern {
    const pattern = readGlob(written);
    const state = `pattern ${quote(written)}`;
    if (pattern === undefined) {
      const hint = "Put a backslash only before * ? / } and another backslash";
      throw this.#fault(`${state} holds a stray backslash`, { start, end: this.#at, hint });
    }
    if (written.length * value.length <= maxWork) return pattern;
    throw this.#fault(`${state} is too long`, { start, end: this.#at, hint: "Use a shorter pattern" });
  }

  /** A name, a number or one special character; empty when there is none. */
  #readName(): string {
    const start = this.#at;
    const first = this.#character();
    if (digit.test(first)) { while (digit.test(this.#character())) this.#at += this.#character().length; }
    else if (first !== "" && special.includes(first)) this.#at++;
    else if (nameStart.test(first)) { while (namePart.test(this.#character())) this.#at += this.#character().length; }
    return this.#text.slice(start, this.#at);
  }

  #character(): string {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #value(name: string): string | undefined {
    const value = this.#lookup(name);
    (value === undefined ? this.#unknown : this.#used).add(name);
    return value;
  }

  #unsupported(modifier: string, start: number): EngineError {
    const hint = "Use one of :- - :+ + :? ? # ## % %% / //";
    return this.#fault(`unsupported modifier ${quote(modifier)}`, { start, end: this.#at, hint });
  }

  #unclosed(stop: string, start: number): EngineError {
    return this.#fault(`no closing ${quote(stop)}`, { start, hint: `Add the missing ${stop}` });
  }

  #tooLong(start: number): EngineError {
    return this.#fault(`longer than ${maxLength} characters when expanded`, { start, hint: "Use shorter values" });
  }

  #fault(state: string, part: { readonly start: number; readonly end?: number; readonly hint: string }): EngineError {
    return this.#options.fail({ state, start: part.start, end: part.end ?? this.#text.length, hint: part.hint });
  }
}
