import { EngineError } from "../errors.ts";

/** A plugin's file as it is checked. */
export interface SourceText {
  /** Name of the plugin, or of the file, for messages. */
  readonly plugin: string;
  /** The whole text. */
  readonly text: string;
  /** Whether packages of npm may be imported, `npm:name@1.2.3`; not when left out. */
  readonly allowsPackages?: boolean;
}

/** An import that was found. */
export interface FoundImport {
  /** What is imported. */
  readonly specifier: string;
  /** Where the specifier starts in the text, in UTF-16 code units, behind its quote. */
  readonly at: number;
  /** Where the word is with which the import begins. */
  readonly start: number;
}

type Found = Omit<FoundImport, "start">;

/** Packages that a text imports, and where: each place is to hold the URL of the package's module instead. */
export interface PackageLink {
  /** Package and exact version, `name@1.2.3`. */
  readonly name: string;
  /** Where its specifier starts in the text, in UTF-16 code units. */
  readonly at: number;
  /** Where it ends. */
  readonly end: number;
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

const exactPackage = /^npm:(?<name>(?:@[a-z0-9._~-]+\/)?[a-z0-9._~-]+@[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?)$/;

/** What stands for the URL of a package when a text is looked at again. */
const urlShape = `blob:null/${"0".repeat(8)}`;

/**
 * What a plugin's text imports, in order: modules of Node, and where they are allowed packages of npm with an exact version. A plugin is
 * one file, so everything else is refused: throws `PLUGIN_FAILED` naming the line for any other import, and for one whose specifier is not
 * written out.
 *
 * Nothing is taken for a comment, a text or a regular expression: whatever looks like an import counts as one, wherever it stands. So there is
 * nothing that this and the engine could read in two ways.
 */
export function checkImports({ plugin, text, allowsPackages = false }: SourceText): readonly FoundImport[] {
  const found = findImports(text);
  for (const { specifier, start } of found) {
    const isAllowed = nodeModules.includes(specifier) || (allowsPackages && exactPackage.test(specifier));
    if (!isAllowed) throw refused(plugin, specifier, lineOf(text, start));
  }
  checkSourceMap(plugin, text);
  return found;
}

/**
 * The packages that a text imports. Their specifiers are to be replaced by URLs, which changes the text; so that nothing else becomes an
 * import by that, the changed text is looked at once more. Throws as {@linkcode checkImports} does.
 */
export function findPackages({ plugin, text }: Omit<SourceText, "allowsPackages">): readonly PackageLink[] {
  const links = checkImports({ plugin, text, allowsPackages: true }).flatMap(({ specifier, at }): PackageLink[] => {
    const name = exactPackage.exec(specifier)?.groups?.name;
    return name === undefined ? [] : [{ name, at, end: at + specifier.length }];
  });
  const linked = linkPackages(text, links.map(({ at, end }) => ({ at, end, url: urlShape })));
  for (const { specifier, start } of findImports(linked)) {
    const isAllowed = nodeModules.includes(specifier) || specifier === urlShape;
    if (!isAllowed) throw refused(plugin, specifier, lineOf(linked, start));
  }
  return links;
}

/** A text with URLs in the places of specifiers, which are in their order and do not overlap. */
export function linkPackages(
  text: string,
  links: readonly { readonly at: number; readonly end: number; readonly url: string }[],
): string {
  let from = 0;
  const parts = links.map(({ at, end, url }) => {
    const before = text.slice(from, at);
    from = end;
    return before + url;
  });
  return parts.join("") + text.slice(from);
}

function findImports(text: string): readonly FoundImport[] {
  const found = new Map<string, FoundImport>();
  for (const match of text.matchAll(keyword)) {
    const at = match.index + match[0].length;
    const imports = match[0].includes("\\")
      ? [unknown("with escaped letters", match.index)]
      : match[0] === "import"
      ? afterImport(text, at)
      : afterExport(text, at);
    for (const each of imports) {
      // Two words may lead to one specifier.
      const key = `${each.at} ${each.specifier}`;
      if (!found.has(key)) found.set(key, { ...each, start: match.index });
    }
  }
  return [...found.values()].sort((a, b) => a.at - b.at);
}

/** An import without a specifier that could be read. */
function unknown(what: string, at: number): Found {
  return { specifier: what, at };
}

/** What a token that is a text names. */
function named({ text, end }: Token): Found {
  return { specifier: text.slice(1, -1), at: end - text.length + 1 };
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

function afterImport(text: string, at: number): readonly Found[] {
  const first = tokenAt(text, at);
  if (first === undefined) return [];
  if (first.kind === "text") return [named(first)];
  if (first.text === "(") return afterParenthesis(text, first.end);
  if (first.text === ".") {
    const phase = tokenAt(text, first.end);
    return phase === undefined || phase.text === "meta" ? [] : [unknown(`import.${phase.text}`, at)];
  }
  return isTypeOnly(text, first) ? [] : clause(text, at);
}

function afterExport(text: string, at: number): readonly Found[] {
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
function afterParenthesis(text: string, at: number): readonly Found[] {
  const specifier = tokenAt(text, at);
  const isWritten = specifier?.kind === "text" && !specifier.text.startsWith("`") && !specifier.text.includes("\\");
  if (!isWritten) return [unknown("computed", at)];
  const after = text[skipGap(text, specifier.end)];
  return after === "," || after === ")" ? [named(specifier)] : [unknown("computed", at)];
}

/** As `afterParenthesis`, of TypeScript's `require(…)`, which loads modules of Node alone. */
function afterRequire(text: string, at: number): readonly Found[] {
  return afterParenthesis(text, at).map((found) =>
    nodeModules.includes(found.specifier) ? found : unknown(`require of ${found.specifier}`, found.at)
  );
}

/** Specifiers behind `from` in what follows, as long as it can be a clause; none for what is no import, such as words of a comment. */
function clause(text: string, at: number): readonly Found[] {
  const found: Found[] = [];
  let before: Token | undefined;
  for (let next = tokenAt(text, at); next !== undefined; next = tokenAt(text, next.end)) {
    if (next.text === "(" && before?.text === "require") return afterRequire(text, next.end);
    if (next.text === "(" || next.text === ".") break;
    if (next.kind === "name" && next.text.includes("\\")) return [unknown("with escaped letters", at)];
    if (next.kind === "text" && before?.text === "from") {
      found.push(named(next));
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
  const what = shown === "computed" || shown === "with escaped letters"
    ? `an import that is ${shown === "computed" ? "computed" : "written with escapes"}`
    : `the import of "${shown}"`;
  return new EngineError("PLUGIN_FAILED", `Cannot load plugin "${plugin}": line ${line} has ${what}, expected none`, {
    detail: { plugin, specifier: shown, line },
    hint: hintFor(shown),
  });
}

function hintFor(specifier: string): string {
  if (specifier.startsWith("node:")) return `Import only ${nodeModules.join(", ")}`;
  if (specifier.startsWith("npm:")) {
    return "A plugin's own file may import npm:NAME@VERSION with an exact version, of a package that is one JavaScript file";
  }
  return 'A plugin is one file: import types with "import type", bundle what it needs, and avoid the word in texts and comments where it looks like an import';
}
