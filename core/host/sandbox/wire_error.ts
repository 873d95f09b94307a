import { EngineError, type ErrorCode, errorCodes, isEngineError } from "../../errors.ts";
import { Body, decodeData, encodeData } from "./codec.ts";
import type { Head } from "./wire.ts";

/** Most of a message that is taken over. */
const maxMessage = 2048;

/** Codes that a plugin may give. A bug is never strata's when a plugin says so, and what it broke is told by strata. */
const codes: ReadonlySet<string> = new Set(
  errorCodes.filter((code) => code !== "INTERNAL" && code !== "PLUGIN_FAILED"),
);

/** An error as it goes over the wire: code, message, facts and advice of an engine's error, name and message of any other. */
export function encodeError(error: unknown): Head {
  if (!(error instanceof Error)) return { name: "Error", message: String(error).slice(0, maxMessage) };
  const message = error.message.slice(0, maxMessage);
  if (!isEngineError(error)) return { name: error.name, message };
  const { code, hint } = error;
  return { code, message, detail: encodeDetail(error.detail), ...(hint === undefined ? {} : { hint }) };
}

function encodeDetail(detail: Readonly<Record<string, unknown>>): Head {
  try {
    return encodeData(JSON.parse(JSON.stringify(detail)), new Body());
  } catch {
    return {};
  }
}

/** The error that a message tells of. Anything is taken, since the other side may have made it up. */
export function decodeError(value: unknown): Error {
  const { code, name, message, detail, hint }: Readonly<Record<string, unknown>> = { ...Object(value) };
  const text = String(message).slice(0, maxMessage);
  if (typeof code !== "string" || !isCode(code)) {
    return Object.assign(new Error(text), { name: String(name ?? "Error").slice(0, 80) });
  }
  return new EngineError(code, text, {
    detail: { ...Object(decodeData(detail ?? {}, undefined)) },
    ...(typeof hint === "string" ? { hint: hint.slice(0, maxMessage) } : {}),
  });
}

function isCode(code: string): code is ErrorCode {
  return codes.has(code);
}
