import type { CopyFields, Heredoc, InstructionFields } from "./ast.ts";
import { readExecForm } from "./command_line.ts";
import { quote } from "./fault.ts";
import { type Flags, readFlags } from "./flag.ts";
import { finishHeredoc, readHeredocMark } from "./heredoc.ts";
import { tryLex } from "./lexer.ts";
import { failAt, failMissing, kitOf, type Statement } from "./statement.ts";
import { splitBlanks, type Word } from "./word.ts";

const shared = { chown: "value", chmod: "value", link: "switch", exclude: "list" } as const;

/** Reads `COPY [flags] source… destination`, also as a JSON array. Throws `PARSE_FAILED`. */
export function readCopy(statement: Statement): InstructionFields {
  const flags = readFlags(statement, { from: "value", ...shared, parents: "switch" });
  const fields = readCopyFields(statement, flags);
  const from = flags.value("from");
  if (from === undefined) return { kind: "copy", ...fields };
  const read = tryLex(from.text, kitOf(statement), {
    escape: statement.source.escape,
    quotes: "remove",
    escapes: "remove",
    unset: "empty",
  });
  if (read?.text !== from.text) {
    throw failAt(statement, from, {
      message: `Cannot copy from ${
        quote(from.text)
      }: --from takes no variables, expected the name of a stage or an image`,
      hint: "Name the image in a FROM of its own, with an ARG before the first FROM, and copy from that stage",
    });
  }
  return { kind: "copy", ...fields, from: from.text };
}

/** Reads `ADD [flags] source… destination`, also as a JSON array. Throws `PARSE_FAILED`. */
export function readAdd(statement: Statement): InstructionFields {
  const flags = readFlags(statement, { ...shared, "keep-git-dir": "switch", checksum: "value", unpack: "switch" });
  const fields = readCopyFields(statement, flags);
  const checksum = flags.value("checksum");
  const keepGitDir = flags.switch("keep-git-dir");
  const unpack = flags.switch("unpack");
  return {
    kind: "add",
    ...fields,
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(checksum === undefined ? {} : { checksum: checksum.text }),
    ...(unpack === undefined ? {} : { unpack }),
  };
}

function readCopyFields(statement: Statement, flags: Flags): CopyFields {
  const items = readExecForm(statement);
  const words = splitBlanks(statement.line.text, statement.rest.start, statement.rest.end);
  const paths = items ?? words.map(({ text }) => text);
  const dest = paths.at(-1);
  if (dest === undefined || paths.length < 2) {
    throw failMissing(statement, "a source and a destination", `Write ${statement.name} SOURCE DESTINATION`);
  }
  const given = items === undefined ? takeHeredocs(statement, words) : { sources: items.slice(0, -1), heredocs: [] };
  const count = given.sources.length + given.heredocs.length;
  if (count > 1) requireDirectory(statement, dest, items === undefined ? words.at(-1) : undefined);
  const chown = flags.value("chown");
  const chmod = flags.value("chmod");
  return {
    ...given,
    dest,
    ...(chown === undefined ? {} : { chown: chown.text }),
    ...(chmod === undefined ? {} : { chmod: chmod.text }),
    link: flags.switch("link") ?? false,
    parents: flags.switch("parents") ?? false,
    exclude: flags.list("exclude").map(({ text }) => text),
  };
}

/** Separates the here-documents from the paths. */
function takeHeredocs(
  statement: Statement,
  words: readonly Word[],
): { readonly sources: readonly string[]; readonly heredocs: readonly Heredoc[] } {
  const sources: string[] = [];
  const heredocs: Heredoc[] = [];
  for (const [i, word] of words.entries()) {
    const isLast = i === words.length - 1;
    const mark = readHeredocMark(word.text, kitOf(statement));
    const isMark = mark !== undefined || /^\d*<<[^<]*$/.test(word.text);
    if (!isMark) {
      if (!isLast) sources.push(word.text);
    } else if (isLast) {
      throw failAt(statement, word, {
        message: `Cannot use here-document ${
          quote(word.text)
        } as the destination of ${statement.name}: expected a path`,
        hint: "Put the path after the here-document",
      });
    } else {
      const body = statement.heredocs[heredocs.length];
      if (mark === undefined || body === undefined || body.name !== mark.name) throw unreadableMark(statement, word);
      heredocs.push(finishHeredoc(body));
    }
  }
  return { sources, heredocs };
}

function unreadableMark(statement: Statement, word: Word): Error {
  return failAt(statement, word, {
    message: `Cannot read here-document ${
      quote(word.text)
    } of ${statement.name}: expected << and a name without blanks`,
    hint: "Write <<NAME, and close every quote on the line",
  });
}

/** Several sources need a destination that is a directory by its form. One that holds variables is judged after they are replaced. */
function requireDirectory(statement: Statement, dest: string, word: Word | undefined): void {
  const isUnknown = /[$'"]/.test(dest) || dest.includes(statement.source.escape);
  if (isUnknown || isDirectoryForm(dest)) return;
  throw failAt(statement, word ?? statement.rest, {
    message: `Cannot copy several sources to ${quote(dest)}: a file name, expected a directory ending in /`,
    hint: `Write ${dest}/`,
  });
}

/** Whether a destination is a directory by its form: it ends in `/`, `.` or `..` as a part of its own. */
export function isDirectoryForm(dest: string): boolean {
  return /(?:^|\/)\.{0,2}$/.test(dest);
}
