import { skipSpace } from "./blank.ts";
import type { Span } from "./source.ts";

/** A JSON array of strings, or where the first element that is no string stands. */
export type JsonList = { readonly items: readonly string[] } | { readonly notText: Span };

/** Reads a text as a JSON array; undefined when it is none, which makes it a command for the shell or plain words. */
export function readJsonList(text: string): JsonList | undefined {
  const start = skipSpace(text, 0);
  if (text[start] !== "[") return undefined;
  const value = parseJson(text.slice(start));
  if (!Array.isArray(value)) return undefined;
  const items: string[] = [];
  for (const [i, item] of value.entries()) {
    if (typeof item !== "string") return { notText: elementSpan(text, start + 1, i) };
    items.push(item);
  }
  return { items };
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where the element with an index stands in an array that is known to be well formed. */
function elementSpan(text: string, from: number, index: number): Span {
  let start = skipSpace(text, from);
  let depth = 0;
  let count = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === '"') at = stringEnd(text, at);
    else if (character === "[" || character === "{") depth++;
    else if (depth > 0 && (character === "]" || character === "}")) depth--;
    else if (depth === 0 && (character === "," || character === "]")) {
      if (count++ === index) return { start, end: trimmedEnd(text, start, at) };
      start = skipSpace(text, at + 1);
    }
  }
  return { start, end: text.length };
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function trimmedEnd(text: string, start: number, end: number): number {
  return start + text.slice(start, end).trimEnd().length;
}
