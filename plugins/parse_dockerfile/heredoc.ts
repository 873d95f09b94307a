import type { Kit } from "../../core/contract/mod.ts";
import type { Heredoc } from "./ast.ts";
import { quote } from "./fault.ts";
import { tryLex } from "./lexer.ts";
import type { LineCursor } from "./logical_line.ts";
import { type LogicalLine, type Source, sourceError, spanRange, trimReturns } from "./source.ts";

/** What a word such as `<<-"EOF"` announces. */
export type HeredocMark = Omit<Heredoc, "text">;

/** A here-document with its body as in the file. */
export interface RawHeredoc extends HeredocMark {
  /** Body, tabs and line ends as in the file. */
  readonly raw: string;
}

const mark = /^(\d*)<<(-?)/;
const literal = { escape: "\\", unset: "keep", escapes: "remove" } as const;

/** Reads a word as the mark of a here-document; undefined when it is none. */
export function readHeredocMark(word: string, kit: Kit): HeredocMark | undefined {
  const [start, fd = "", dash = ""] = mark.exec(word) ?? [];
  const rest = start === undefined ? "" : word.slice(start.length).trimStart();
  if (rest === "" || rest.includes("<")) return undefined;
  const bare = tryLex(rest, kit, { ...literal, quotes: "remove" });
  const kept = tryLex(rest, kit, { ...literal, quotes: "keep" });
  const name = bare?.words[0];
  if (bare?.words.length !== 1 || name === undefined || kept?.words.length !== 1) return undefined;
  return { name, fd, chomp: dash === "-", expand: countQuotes(name) === countQuotes(kept.words[0] ?? "") };
}

/** The marks on a RUN, COPY or ADD line, in order. None when the line's quotes or substitutions cannot be read. */
export function findHeredocMarks(line: string, kit: Kit): readonly HeredocMark[] {
  if (!line.includes("<<")) return [];
  const result = tryLex(line, kit, { escape: "\\", unset: "keep", escapes: "keep", quotes: "keep" });
  const words = result?.words ?? [];
  return words.filter((word) => word.includes("<<")).flatMap((word) => readHeredocMark(word, kit) ?? []);
}

/** Reads the bodies that follow a line. Throws `PARSE_FAILED` when one has no end. */
export function readHeredocs(
  cursor: LineCursor,
  logical: LogicalLine,
  marks: readonly HeredocMark[],
): readonly RawHeredoc[] {
  return marks.map((each) => ({ ...each, raw: readBody(cursor, logical, each) }));
}

function readBody(cursor: LineCursor, logical: LogicalLine, each: HeredocMark): string {
  const { source } = cursor;
  const first = cursor.next;
  while (cursor.next < source.lines.length) {
    const line = trimReturns(source.lines[cursor.next] ?? "");
    if ((each.chomp ? trimTabs(line) : line) === each.name) {
      const body = source.lines.slice(first, cursor.next++);
      return body.length === 0 ? "" : `${body.join("\n")}\n`;
    }
    cursor.next++;
  }
  throw unterminated(source, logical, each);
}

function unterminated(source: Source, logical: LogicalLine, each: HeredocMark): Error {
  const start = Math.max(logical.text.indexOf("<<"), 0);
  const named = logical.text.indexOf(each.name, start);
  const end = named === -1 ? start + 2 : named + each.name.length;
  const from = named === -1 ? start : logical.text.lastIndexOf("<<", named);
  return sourceError(source, {
    message: `Cannot read here-document ${quote(each.name)}: no end, expected a line that is ${quote(each.name)} only`,
    at: spanRange(source, logical, { start: from, end }),
    keyword: /^\s*(\S*)/.exec(logical.text)?.[1] ?? "",
    hint: `Add a line with ${each.name} after its text`,
  });
}

/** The body as the instruction sees it. */
export function finishHeredoc({ raw, ...rest }: RawHeredoc): Heredoc {
  return { ...rest, text: rest.chomp ? raw.replace(/(^|\n)\t+/g, "$1") : raw };
}

function trimTabs(line: string): string {
  return line.replace(/^\t+/, "");
}

function countQuotes(text: string): number {
  return text.replace(/[^'"]/g, "").length;
}
