import { assertEquals } from "@std/assert";
import type { ServeProcess } from "./serve.ts";

/** A job of strata's own API, as far as tests look at it. */
export interface JobAnswer {
  readonly id: string;
  readonly state: string;
  // deno-lint-ignore no-explicit-any
  readonly result?: any;
  readonly error?: { readonly code: string; readonly detail: string; readonly status: number };
}

/** An event, or the last line with the result or the error. */
// deno-lint-ignore no-explicit-any
export type EventLine = Readonly<Record<string, any>>;

/** A request with a body in JSON. */
export function jsonRequest(body: unknown, accept?: string): RequestInit {
  const headers = { "content-type": "application/json", ...(accept === undefined ? {} : { accept }) };
  return { method: "POST", body: JSON.stringify(body), headers };
}

/** What strata's own API answers in JSON; fails unless it has the status. */
// deno-lint-ignore no-explicit-any
export async function askJson(server: ServeProcess, path: string, init?: RequestInit, status = 200): Promise<any> {
  const response = await server.fetch(path, init);
  const text = await response.text();
  assertEquals(response.status, status, `${path}: ${text}`);
  return JSON.parse(text);
}

/** Starts a build that nobody waits for. */
export async function startBuild(server: ServeProcess, body: unknown): Promise<JobAnswer> {
  return await askJson(server, "/v1/builds", jsonRequest(body), 202);
}

/** The job when it has ended. */
export async function ended(server: ServeProcess, group: string, id: string): Promise<JobAnswer> {
  return await askJson(server, `/v1/${group}/${id}?wait=true`);
}

/** Lines of NDJSON. */
export function readLines(text: string): readonly EventLine[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** Server-sent events: their fields, comments left out. */
export function readServerSent(text: string): readonly { id: string; event: string; data: EventLine }[] {
  const blocks = text.split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  return blocks.map((block) => {
    const fields = new Map(
      block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    );
    return { id: fields.get("id") ?? "", event: fields.get("event") ?? "", data: JSON.parse(fields.get("data") ?? "") };
  });
}

/** Reads an answer until what came so far matches. The reader stays open. */
export async function readUntil(response: Response, pattern: RegExp): Promise<ReadableStreamDefaultReader<string>> {
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!pattern.test(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`it ended before ${pattern}:\n${text}`);
    text += value;
  }
  return reader;
}
