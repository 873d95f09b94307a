import type { EngineError, Kit, SourceRange } from "../../core/contract/mod.ts";
import { redactUrls } from "./redact.ts";

/** What an error about a build file says and where it points. */
export interface Fault {
  /** `Cannot <verb> <thing> "<value>": <state>`. */
  readonly message: string;
  readonly at: SourceRange;
  /** Keyword in upper case; empty when no instruction is meant. */
  readonly instruction: string;
  readonly hint?: string;
}

/** A value in quotes for a message: logins of URLs left out, control characters spelled out, cut after 80 code units. */
export function quote(value: string): string {
  return `"${bound(redactUrls(value), 80)}"`;
}

/** A text for a message: control characters spelled out, cut after some code units. */
export function bound(value: string, longest: number): string {
  const code = value.charCodeAt(longest - 1);
  const end = code >= 0xd800 && code < 0xdc00 ? longest - 1 : longest;
  const head = value.length > longest ? `${value.slice(0, end)}…` : value;
  // deno-lint-ignore no-control-regex
  return head.replace(/[\u0000-\u001f\u007f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Makes the `PARSE_FAILED` error of a fault: `detail` holds `range` and `instruction`. */
export function parseError(kit: Kit, fault: Fault): EngineError {
  const detail = { range: fault.at, instruction: fault.instruction };
  return kit.error("PARSE_FAILED", fault.message, fault.hint === undefined ? { detail } : { detail, hint: fault.hint });
}
