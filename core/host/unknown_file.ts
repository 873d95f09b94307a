import type { SourceFile } from "../contract/parse.ts";
import { EngineError } from "../errors.ts";

/** The error for a build file that no plugin takes, of the formats that there are. */
export function unknownFile(file: SourceFile, known: readonly string[]): EngineError {
  const { text = "", syntax } = syntaxLine(file.text) ?? {};
  const state = file.text.trim() === ""
    ? "it is empty"
    : syntax === undefined
    ? "no plugin takes it"
    : `no plugin takes its syntax "${syntax}"`;
  const line = file.text.split(/\r?\n/).indexOf(text) + 1;
  const range = syntax === undefined ? {} : { range: { file: file.path, line, endLine: line, source: text } };
  return new EngineError("UNSUPPORTED", `Cannot read build file "${file.path}": ${state}`, {
    detail: { what: "build file", known: [...known].sort(), ...range },
    hint: syntax === undefined
      ? `Write the file in one of these formats: ${[...known].sort().join(", ")}`
      : "Leave the syntax line out, write docker/dockerfile:1, or add a plugin that takes it",
  });
}

/** The line among the first comments of a file that names its syntax. */
function syntaxLine(text: string): { readonly text: string; readonly syntax: string } | undefined {
  for (const line of text.split(/\r?\n/)) {
    if (!/^\s*#/.test(line)) return undefined;
    const syntax = /^\s*#\s*syntax\s*=\s*(\S+)/i.exec(line)?.[1];
    if (syntax !== undefined) return { text: line, syntax: syntax.slice(0, 200) };
  }
  return undefined;
}
