import { z } from "zod";
import type { EngineError } from "../../errors.ts";
import { readBody } from "../body.ts";
import type { ApiContext } from "../context.ts";
import { httpError } from "../status.ts";
import type { ObjectSchema, Operation } from "./operation.ts";

/** What of a request is checked. */
export interface Input {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** Reads the parts of a request and checks them against the schemas of its route. */
export type ReadInput = (c: ApiContext) => Promise<Input>;

/** A reader for a route. It rejects `INVALID_ARGUMENT` with 400, 413 for a body that is too large and 415 for one of another type. */
export function createReader({ params, query, body, streams = [] }: Operation): ReadInput {
  const readQuery = query === undefined ? undefined : createQueryReader(query);
  return async (c) => ({
    params: params === undefined ? undefined : parse(params, c.req.param(), "path"),
    query: readQuery === undefined ? refuseQuery(c) : readQuery(c),
    body: body === undefined ? undefined : await readJson(c, body, streams),
  });
}

/** Checks a value. Throws `INVALID_ARGUMENT` that says where it is wrong. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 20).map(({ path, message }) => ({
    at: [where, ...path.map(String)].join(".").slice(0, 300),
    problem: message.slice(0, 500),
  }));
  const [first] = problems;
  throw wrong(`Cannot take the request: ${first?.at ?? where}: ${first?.problem ?? "it is wrong"}`, { problems });
}

/** JSON from text. Throws `INVALID_ARGUMENT`. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const state = error instanceof Error ? error.message : String(error);
    throw wrong(`Cannot read ${where} as JSON: ${state.slice(0, 200)}`, { field: where });
  }
}

function wrong(message: string, detail: Readonly<Record<string, unknown>>): EngineError {
  return httpError(400, "INVALID_ARGUMENT", message, { detail, hint: "Look at /v1/docs for what it takes" });
}

/** Query parameters are texts: each becomes what the schema says, if it can. One of a list may come several times, others once. */
function createQueryReader(schema: ObjectSchema): (c: ApiContext) => unknown {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  return (c) => {
    const given: Record<string, unknown> = {};
    for (const [name, values] of Object.entries(c.req.queries())) {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      const type = typeof property === "object" ? property.type : undefined;
      if (type === "array") given[name] = values;
      else if (values.length > 1) throw wrong(`Cannot take the request: query.${name}: it is given several times`, {});
      else given[name] = convert(values[0] ?? "", type);
    }
    return parse(schema, given, "query");
  };
}

function convert(text: string, type: unknown): unknown {
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (type === "integer" && /^-?[0-9]{1,16}$/.test(text)) return Number(text);
  return text;
}

function refuseQuery(c: ApiContext): undefined {
  const [name] = Object.keys(c.req.queries());
  if (name === undefined) return undefined;
  throw wrong(`Cannot take the request: query.${name.slice(0, 100)}: there is no such parameter`, {});
}

async function readJson(
  c: ApiContext,
  { schema, maxBytes }: NonNullable<Operation["body"]>,
  streams: readonly string[],
): Promise<unknown> {
  const type = mediaTypeOf(c);
  if (streams.includes(type)) return undefined;
  if (type !== "application/json") {
    const known = ["application/json", ...streams];
    throw httpError(415, "INVALID_ARGUMENT", `Cannot read a body of type "${type.slice(0, 100)}"`, {
      detail: { field: "content-type", value: type.slice(0, 100), known },
      hint: `Send it as ${known.join(" or ")}`,
    });
  }
  const bytes = await readBody(c, maxBytes);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw wrong("Cannot read the body as JSON: it is not UTF-8", { field: "body" });
  }
  return parse(schema, parseJson(text, "body"), "body");
}

/** Media type of the body, lower-case and without parameters; empty when it is not told. */
export function mediaTypeOf(c: ApiContext): string {
  return (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
