import { EngineError } from "../errors.ts";

/** A plugin's file as it is checked. */
export interface SourceText {
  /** Name of the plugin, or of the file, for messages. */
  readonly plugin: string;
  /** The whole text. */
  readonly text: string;
}

/**
 * Modules of Node that a plugin may import: what they reach is governed by the plugin's permissions. Left out are those that make
 * code from text, load modules, start threads or programs, or read a terminal.
 */
export const nodeModules: readonly string[] = [
  "assert",
  "assert/strict",
  "async_hooks",
  "buffer",
  "constants",
  "crypto",
  "diagnostics_channel",
  "dns",
  "dns/promises",
  "events",
  "fs",
  "fs/promises",
  "http",
  "http2",
  "https",
  "net",
  "os",
  "path",
  "path/posix",
  "path/win32",
  "perf_hooks",
  "punycode",
  "querystring",
  "stream",
  "stream/consumers",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "timers",
  "timers/promises",
  "tls",
  "url",
  "util",
  "util/types",
  "zlib",
].map((name) => `node:${name}`);

/** The words with which every import begins, also when letters of theirs are escaped. */
const keyword = new RegExp(
  `(?<![\\p{ID_Continue}$\\\\]|(?<!\\.)\\.)(?:${spelled("import")}|${spelled("export")})(?![\\p{ID_Continue}$])`,
  "gu",
);

/** One token of what may follow: a name, a mark of a clause, or a text up to the next quote; anything else ends it. */
const token = new RegExp(
  "(?<name>(?:[\\p{ID_Continue}$]|\\\\u[0-9a-fA-F]{4}|\\\\u\\{[0-9a-fA-F]+\\})+)|(?<mark>[{}*,(.=])|(?<text>\"[^\"]*\"|'[^']*'|`[^`]*`)",
  "uy",
);

/**
 * The modules of Node that a plugin's text imports, each once. A plugin is one file, so everything else is refused: throws
 * `PLUGIN_FAILED` naming the line for any other import, and for one whose specifier is not written out.
 *
 * Nothing is taken for a comment, a text or a regular expression: whatever looks like an import counts as one, wherever it stands. So there is
 * nothing that this and the engine could read in two ways.
 */
export function checkImports({ plugin, text }: SourceText): readonly string[] {
  const found = new Set<string>();
  for (const match of text.matchAll(keyword)) {
    const at = match.index + match[0].length;
    const specifiers = match[0].includes("\\")
      ? ["with escaped letters"]
      : match[0] === "import"
      ? afterImport(text, at)
      : afterExport(text, at);
    for (const specifier of specifiers) {
      if (!nodeModules.includes(specifier)) throw refused(plugin, specifier, lineOf(text, match.index));
      found.add(specifier);
    }
  }
  checkSourceMap(plugin, text);
  return [...found].sort();
}

/** A source map is read for stack traces, with strata's rights; one that is part of the file, or cannot be found, does no harm. */
function checkSourceMap(plugin: string, text: string): void {
  for (const { 1: scheme = "", index } of text.matchAll(/sourceMappingURL\s*=\s*([a-z][a-z0-9+.-]*):/gi)) {
    if (scheme.toLowerCase() !== "data") throw refused(plugin, `a source map at ${scheme}:`, lineOf(text, index));
  }
}

/** A pattern of a word of which any letter may be written as an escape. */
function spelled(word: string): string {
  return [...word].map((letter) => {
    const code = letter.charCodeAt(0).toString(16);
    return `(?:${letter}|\\\\u00${anyCase(code)}|\\\\u\\{0*${anyCase(code)}\\})`;
  }).join("");
}

function anyCase(hex: string): string {
  return [...hex].map((digit) => digit === digit.toUpperCase() ? digit : `[${digit}${digit.toUpperCase()}]`).join("");
}

interface Token {
  readonly kind: "name" | "mark" | "text";
  readonly text: string;
  readonly end: number;
}

function tokenAt(text: string, at: number): Token | undefined {
  token.lastIndex = skipGap(text, at);
  const groups = token.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const end = token.lastIndex;
  if (groups.name !== undefined) return { kind: "name", text: groups.name, end };
  if (groups.mark !== undefined) return { kind: "mark", text: groups.mark, end };
  return { kind: "text", text: groups.text ?? "", end };
}

const blank = /\s*/y;
const lineEnd = /[\n\r\u2028\u2029]/g;

/** Where the blanks and comments end that may stand between two tokens. */
function skipGap(text: string, start: number): number {
  let at = start;
  while (true) {
    blank.lastIndex = at;
    blank.test(text);
    at = blank.lastIndex;
    if (text.startsWith("//", at)) {
      lineEnd.lastIndex = at;
      if (!lineEnd.test(text)) return text.length;
      at = lineEnd.lastIndex;
    } else if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      if (end < 0) return text.length;
      at = end + 2;
    } else return at;
  }
}

function afterImport(text: string, at: number): readonly string[] {
  const first = tokenAt(text, at);
  if (first === undefined) return [];
  if (first.kind === "text") return [first.text.slice(1, -1)];
  if (first.text === "(") return afterParenthesis(text, first.end);
  if (first.text === ".") {
    const phase = tokenAt(text, first.end);
    return phase === undefined || phase.text === "meta" ? [] : [`import.${phase.text}`];
  }
  return isTypeOnly(text, first) ? [] : clause(text, at);
}

function afterExport(text: string, at: number): readonly string[] {
  const first = tokenAt(text, at);
  if (first === undefined || first.kind === "text") return [];
  return isTypeOnly(text, first) ? [] : clause(text, at);
}

/** Whether `type` follows that makes the whole clause one of types: not the name of a default import, nor one in a list. */
function isTypeOnly(text: string, { text: word, end }: Token): boolean {
  const next = word === "type" ? tokenAt(text, end) : undefined;
  if (next === undefined) return false;
  if (next.text === "{" || next.text === "*") return true;
  if (next.kind !== "name" || next.text === "from") return false;
  return tokenAt(text, next.end)?.text !== ",";
}

/** The specifier of `import(…)`, when it is written out. */
function afterParenthesis(text: string, at: number): readonly string[] {
  const specifier = tokenAt(text, at);
  const isWritten = specifier?.kind === "text" && !specifier.text.startsWith("`") && !specifier.text.includes("\\");
  if (!isWritten) return ["computed"];
  const after = text[skipGap(text, specifier.end)];
  return after === "," || after === ")" ? [specifier.text.slice(1, -1)] : ["computed"];
}

/** Specifiers behind `from` in what follows, as long as it can be a clause; none for what is no import, such as words of a comment. */
function clause(text: string, at: number): readonly string[] {
  const found: string[] = [];
  let before: Token | undefined;
  for (let next = tokenAt(text, at); next !== undefined; next = tokenAt(text, next.end)) {
    if (next.text === "(" && before?.text === "require") return afterParenthesis(text, next.end);
    if (next.text === "(" || next.text === ".") break;
    if (next.kind === "name" && next.text.includes("\\")) return ["with escaped letters"];
    if (next.kind === "text" && before?.text === "from") {
      found.push(next.text.slice(1, -1));
      break;
    }
    before = next;
  }
  return found;
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

function refused(plugin: string, specifier: string, line: number): EngineError {
  const shown = specifier.slice(0, 200);
  const isNode = shown.startsWith("node:");
  const what = shown === "computed" || shown === "with escaped letters"
    ? `an import that is ${shown === "computed" ? "computed" : "written with escapes"}`
    : `the import of "${shown}"`;
  return new EngineError("PLUGIN_FAILED", `Cannot load plugin "${plugin}": line ${line} has ${what}, expected none`, {
    detail: { plugin, specifier: shown, line },
    hint: isNode
      ? `Import only ${nodeModules.join(", ")}`
      : 'A plugin is one file: import types with "import type", bundle what it needs, and avoid the word in texts and comments where it looks like an import',
  });
}
