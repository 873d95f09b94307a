import { EngineError } from "../../errors.ts";

/** One token of an action. */
export interface Token {
  readonly type: "field" | "variable" | "word" | "string" | "number" | "symbol";
  readonly text: string;
  /** Whether white space stands before it; `.A .B` is two values, `.A.B` one. */
  readonly isSpaced: boolean;
}

/** A piece of a template: text, or the tokens of one action. */
export type Piece = { readonly text: string } | { readonly tokens: readonly Token[] };

const tokenPattern =
  /(\s*)(?:(\.[\p{L}_][\p{L}\p{N}_]*)|(\$[\p{L}\p{N}_]*)|([\p{L}_][\p{L}\p{N}_]*)|("(?:[^"\\\n]|\\.)*"|`[^`]*`)|([+-]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?))|(:=|[|(),=.]))/uy;
const types = ["field", "variable", "word", "string", "number", "symbol"] as const;

/** Splits a template into text and actions; `{{-` and `-}}` take the white space beside them away. Throws `INVALID_ARGUMENT`. */
export function readPieces(template: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let isTrimmed = false;
  while (at < template.length) {
    const open = template.indexOf("{{", at);
    let text = template.slice(at, open < 0 ? undefined : open);
    if (isTrimmed) text = text.trimStart();
    if (open < 0) {
      pieces.push({ text });
      break;
    }
    const trimsLeft = /^-\s/.test(template.slice(open + 2, open + 4));
    pieces.push({ text: trimsLeft ? text.trimEnd() : text });
    const action = readAction(template, open + (trimsLeft ? 3 : 2));
    if (action.tokens.length > 0) pieces.push({ tokens: action.tokens });
    isTrimmed = action.trimsRight;
    at = action.end;
  }
  return pieces;
}

function readAction(template: string, start: number): { tokens: Token[]; end: number; trimsRight: boolean } {
  const comment = /\s*\/\*[\s\S]*?\*\/\s*?(\s-)?\}\}/y;
  comment.lastIndex = start;
  const skipped = comment.exec(template);
  if (skipped !== null) return { tokens: [], end: comment.lastIndex, trimsRight: skipped[1] !== undefined };
  const tokens: Token[] = [];
  const close = /\s*?(\s-)?\}\}/y;
  for (let at = start;;) {
    close.lastIndex = at;
    const end = close.exec(template);
    if (end !== null) return { tokens, end: close.lastIndex, trimsRight: end[1] !== undefined };
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(template);
    if (match === null) throw templateError(template, `found "${template.slice(at, at + 20).trim()}", expected }}`);
    const index = types.findIndex((_, i) => match[i + 2] !== undefined);
    const type = types[index] ?? "symbol";
    tokens.push({ type, text: match[index + 2] ?? "", isSpaced: match[1] !== "" });
    at = tokenPattern.lastIndex;
  }
}

/** The error for a template that cannot be used; `why` says what was found. */
export function templateError(template: string, why: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot use template "${template.slice(0, 200)}": ${why}`, {
    detail: { field: "format", value: template.slice(0, 200) },
    hint: "Write it as a Go template, for example {{json .}}, which shows every field",
  });
}
