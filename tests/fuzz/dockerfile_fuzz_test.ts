import process from "node:process";
import { assert } from "@std/assert";
import fc from "fast-check";
import type { SourceRange } from "../../core/contract/mod.ts";
import { isEngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { expandHeredoc, expandWord, expandWords } from "../../plugins/parse_dockerfile/expand.ts";
import { readDockerfile } from "../../plugins/parse_dockerfile/read_dockerfile.ts";

const kit = createKit();
const seed = 20_240_607;
const mebibyte = 1 << 20;
// Far above what a linear reader takes on a slow machine, far below what a quadratic one takes.
/** A time of the processor's, whatever else it does: work that grows with the square of its input takes minutes. */
const maxMs = 30_000;

const keywords =
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR";
const pieces = [
  ...keywords.split(" ").flatMap((keyword) => [`\n${keyword} `, keyword.toLowerCase()]),
  "\nFROM scratch\n",
  ...[
    "\n",
    "\r\n",
    "\\\n",
    "`\n",
    " \\ \n",
    "\n\n",
    "\n# c\n",
    "# escape=`\n",
    "# check=skip=all\n",
    "#!",
    "\ufeff",
    "\0",
  ],
  ...[
    " ",
    "\t",
    "\v",
    "\u00a0",
    "\u2028",
    "a",
    "=",
    "a=b",
    "/x/",
    "'",
    '"',
    "\\",
    "`",
    "$",
    "${",
    "}",
    ":-",
    "#",
    "%",
    "/",
    "//",
    "*",
  ],
  ...[
    "--",
    "--link",
    "--from=",
    "--mount=type=cache,target=/a",
    "--mount=",
    ",",
    "--interval=1s",
    "NONE",
    " AS ",
    "[",
    "]",
    '["a", 1]',
  ],
  ...["<<", "<<-", "<<EOF", "\nEOF\n", "\n\tEOF\n", "😀", "\ud800", "é"],
];
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join("")),
  fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => `FROM scratch\n${parts.join("")}`),
);

/** Reads a file and checks that nothing but a well-placed `PARSE_FAILED` is thrown. */
function readOrFail(source: string): void {
  try {
    readDockerfile({ path: "Dockerfile", text: source }, kit);
  } catch (error) {
    requireFault(error, source);
  }
}

function requireFault(error: unknown, source: string): void {
  assert(isEngineError(error), String(error));
  assert(error.code === "PARSE_FAILED" && error.hint !== undefined && !error.message.includes("\n"), error.message);
  const range = error.detail["range"] as SourceRange;
  const lines = (source.startsWith("\ufeff") ? source.slice(1) : source).split("\n");
  const first = lines[range.line - 1]?.replace(/\r+$/, "") ?? "";
  assert(range.line >= 1 && range.endLine >= range.line && range.endLine <= lines.length, JSON.stringify(range));
  assert(range.source === first, JSON.stringify(range));
  if (range.column === undefined || range.endColumn === undefined) return;
  const last = lines[range.endLine - 1]?.replace(/\r+$/, "") ?? "";
  assert(range.column >= 1 && range.column <= Math.max(first.length, 1), JSON.stringify(range));
  assert(range.endColumn >= 2 && range.endColumn <= Math.max(last.length + 1, 2), JSON.stringify(range));
  assert(range.endLine > range.line || range.endColumn > range.column, JSON.stringify(range));
}

Deno.test("readDockerfile() gives a file or PARSE_FAILED inside the file when the text is random", () => {
  fc.assert(fc.property(text, readOrFail), { seed, numRuns: 10_000 });
});

Deno.test("readDockerfile() gives the same when the same text is read again", () => {
  const read = (source: string): string => {
    try {
      return JSON.stringify(readDockerfile({ path: "Dockerfile", text: source }, kit));
    } catch (error) {
      return String(error);
    }
  };
  fc.assert(fc.property(text, (source) => read(source) === read(source)), { seed, numRuns: 300 });
});

Deno.test("expandWord() gives a text or PARSE_FAILED when the text is random", () => {
  const env: Readonly<Record<string, string>> = { a: "x y", b: "", é: "$a" };
  fc.assert(
    fc.property(text, fc.constantFrom("\\", "`"), (source, escape) => {
      const line = source.replace(/[\r\n]/g, " ").replace(/^\ufeff/, "");
      const at = { file: "Dockerfile", line: 1, endLine: 1, source: line };
      for (const expand of [expandWord, expandWords, expandHeredoc]) {
        try {
          expand(line, (name) => env[name], { escape, kit, instruction: { at, keyword: "ENV", lines: [line] } });
        } catch (error) {
          requireFault(error, line);
        }
      }
    }),
    { seed, numRuns: 10_000 },
  );
});

const head = "FROM scratch\n";
const large: Readonly<Record<string, string>> = {
  "blank lines": fill("\n"),
  "comments": fill("# a\n"),
  "one line": fill("RUN "),
  "a directive of blanks": `# escape=${fill(" ")}\n`,
  "short instructions": head + fill("RUN a\n"),
  "continued lines": `${head}RUN ${fill("a\\\n")}`,
  "empty continued lines": `${head}RUN a\\\n${fill("\n")}`,
  "marks of here-documents": `${head}RUN ${fill("<<a \\\n")}`,
  "a mark and blanks": `${head}RUN <<\\\n${fill("        \\\n")}<x`,
  "here-documents": head + fill("RUN <<A\nA\n"),
  "here-documents without an end": head + fill("RUN <<A\n"),
  "tabs in a here-document": `${head}COPY <<-A /a\n${fill("\t\n")}A\n`,
  "open quotes": `${head}ENV ${fill("a='\\\n")}`,
  "substitutions inside each other": `${head}RUN <<a ${fill("${a:-\\\n")}`,
  "arrays inside each other": `${head}RUN ${fill("[\\\n")}`,
  "a long array": `${head}RUN [\\\n${fill("1,\\\n")}1]`,
  "flags": `${head}COPY \\\n${fill("--exclude=a \\\n")} a b\n`,
  "mounts": `${head}RUN \\\n${fill("--mount=type=cache,target=/a \\\n")} a\n`,
  "options of a mount": `${head}RUN --mount=\\\n${fill("id=a,\\\n")}id=a b\n`,
  "quotes in a mount": `${head}RUN --mount='\\\n${fill('""\\\n')}' a`,
  "a long size": `${head}RUN --mount=type=tmpfs,size=\\\n${fill("1111111111\\\n")}x a`,
  "a long number": `${head}HEALTHCHECK --retries=\\\n${fill("1111111111\\\n")} CMD a`,
  "a long name": `${head}FROM a AS \\\n${fill("aaaaaaaa\\\n")}/`,
  "triggers": `${head}${fill("ONBUILD \\\n")}RUN a`,
};

function usedMs(): number {
  // Of this thread: other test files run beside it.
  return process.threadCpuUsage().user / 1000;
}

function fill(part: string): string {
  return part.repeat(Math.ceil(mebibyte / part.length));
}

for (const [name, source] of Object.entries(large)) {
  Deno.test(`readDockerfile() ends soon when it reads a mebibyte of ${name}`, () => {
    const start = usedMs();
    readOrFail(source);
    assert(usedMs() - start < maxMs);
  });
}

const words: Readonly<Record<string, string>> = {
  "dollar signs": fill("$"),
  "variables": fill("$a"),
  "substitutions": fill("${a//a/b}"),
  "substitutions inside each other": fill("${a:-"),
  "single quotes": fill("'"),
  "double quotes": fill('"'),
  "escapes": fill("\\"),
  "stars in a pattern": `\${b#${fill("*a")}}`,
  "wildcards in a pattern": `\${b##*${fill("?")}x}`,
  "a long replacement": `\${b//a/${fill("b")}}`,
  "marks": fill("<< "),
};

for (const [name, source] of Object.entries(words)) {
  Deno.test(`expandWord() ends soon when it reads a mebibyte of ${name}`, () => {
    const env: Readonly<Record<string, string>> = { a: "a".repeat(100), b: fill("a") };
    const at = { file: "Dockerfile", line: 1, endLine: 1, source };
    const start = usedMs();
    for (const expand of [expandWord, expandWords, expandHeredoc]) {
      try {
        expand(source, (key) => env[key], { escape: "\\", kit, instruction: { at, keyword: "ENV", lines: [source] } });
      } catch (error) {
        requireFault(error, source);
      }
    }
    assert(usedMs() - start < maxMs);
  });
}
