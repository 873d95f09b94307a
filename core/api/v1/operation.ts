import type { z } from "zod";
import type { Call } from "../../contract/call.ts";
import type { ApiContext } from "../context.ts";
import type { ComponentName } from "./schema/mod.ts";

/** Groups of the reference page. */
export const groups = ["images", "builds", "transfers", "cache", "system"] as const;

/** Group of the reference page. */
export type Group = typeof groups[number];

/** A schema of an object's members. */
export type ObjectSchema = z.ZodObject;

/** One kind of content of an answer: a schema of the document, any bytes, any text, or the document itself. */
export type Content = ComponentName | "bytes" | "text" | "document";

/** An answer that a route gives when all is well. */
export interface Answer {
  readonly description: string;
  /** By media type; none for an answer without a body. */
  readonly content: Readonly<Record<string, Content>>;
}

/** What a route is told, as its schemas have it. */
export interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly c: ApiContext;
  /** Aborted when the client goes away. */
  readonly call: Call;
}

/** One route, of which both the check of what comes in and the OpenAPI document are made. */
export interface Operation {
  readonly id: string;
  readonly group: Group;
  readonly method: "get" | "post" | "delete";
  /** As OpenAPI writes it: `/v1/images/{name}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: ObjectSchema;
  readonly query?: ObjectSchema;
  /** Body in JSON, and the most bytes of it. */
  readonly body?: { readonly name: ComponentName; readonly schema: z.ZodType; readonly maxBytes: number };
  /** Other media types that the body may have, which the route reads itself. */
  readonly streams?: readonly string[];
  readonly answers: Readonly<Record<number, Answer>>;
  /** Statuses of errors besides those that every route has. */
  readonly fails: readonly number[];
  /** Whether it changes something, and is refused where that is not allowed. */
  readonly changes: boolean;
  /** Answers. What it is told was checked against the schemas. */
  run(input: RouteInput<unknown, unknown, unknown>): Promise<Response>;
}

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What {@linkcode operation} takes. */
export type OperationOf<P, Q, B> =
  & Omit<Operation, "params" | "query" | "body" | "run">
  & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: { readonly name: ComponentName; readonly schema: B; readonly maxBytes?: number };
    run(input: RouteInput<Output<P>, Output<Q>, Output<B>>): Promise<Response>;
  };

/** Most bytes of a body in JSON, unless the route says otherwise. */
const usualBytes = 1024 * 1024;

/** A route whose input has the types of its schemas. */
export function operation<
  P extends ObjectSchema | undefined = undefined,
  Q extends ObjectSchema | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(definition: OperationOf<P, Q, B>): Operation {
  const { params, query, body, run, ...rest } = definition;
  return {
    ...rest,
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { query }),
    ...(body?.schema === undefined
      ? {}
      : { body: { name: body.name, schema: body.schema, maxBytes: body.maxBytes ?? usualBytes } }),
    // Its input was parsed by these very schemas.
    run: (input) => run(input as RouteInput<Output<P>, Output<Q>, Output<B>>),
  };
}

/** An answer in JSON. */
export function jsonAnswer(description: string, name: ComponentName): Answer {
  return { description, content: { "application/json": name } };
}
