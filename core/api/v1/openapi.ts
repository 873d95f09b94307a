import { z } from "zod";
import { type Answer, type Content, groups, type ObjectSchema, type Operation } from "./operation.ts";
import { problemType } from "./problem.ts";
import { components } from "./schema/mod.ts";

/** A part of the OpenAPI document. */
export type DocumentPart = { readonly [key: string]: unknown };

/** Statuses of errors that any route may give: those of the guards, of input, of work that was given up, and of a bug. */
const everywhere: readonly number[] = [400, 401, 403, 405, 408, 413, 415, 429, 499, 500];

const reasons: Readonly<Record<number, string>> = {
  400: "The request is wrong",
  401: "The token is missing or wrong",
  403: "It is not allowed",
  404: "There is no such thing",
  405: "The path has other methods",
  408: "The body did not come",
  409: "It is in use, or several things answer to it",
  413: "The body is too large",
  415: "The body is of another type",
  422: "Content is not what it should be",
  429: "Too much is under way",
  499: "It was given up",
  500: "strata or its host failed",
  501: "It cannot be done here",
  502: "A registry answered with an error",
  504: "Another host did not answer",
};

/** The OpenAPI document (3.1) of routes, made of the schemas that check what comes in. */
export function createDocument(operations: readonly Operation[], version: string): DocumentPart {
  return {
    openapi: "3.1.1",
    info: {
      title: "strata",
      version,
      description: "Builds, stores, inspects and ships container images. Errors are problem details (RFC 9457).",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "This server" }],
    security: [{ bearer: [] }, { basic: [] }, {}],
    tags: groups.map((name) => ({ name })),
    paths: pathsOf(operations),
    components: {
      schemas: schemasOf(),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "The token that strata serve printed" },
        basic: { type: "http", scheme: "basic", description: "Any user, and the token as the password" },
      },
    },
  };
}

function schemasOf(): DocumentPart {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(components)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: "input", uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]));
}

/** A schema without what names it: in the document, its place does. */
function bare(schema: object): DocumentPart {
  const { $schema: _schema, $id: _id, id: _own, ...rest } = { $schema: "", $id: "", id: "", ...schema };
  return rest;
}

function pathsOf(operations: readonly Operation[]): DocumentPart {
  const paths = Map.groupBy(operations, ({ path }) => path);
  return Object.fromEntries([...paths].map(([path, some]) => [
    path,
    Object.fromEntries(some.map((operation) => [operation.method, operationOf(operation)])),
  ]));
}

function operationOf(operation: Operation): DocumentPart {
  const { id, group, summary, description, params, query, answers, fails } = operation;
  const failures = [...new Set([...everywhere, ...fails])].sort((a, b) => a - b);
  const parameters = [...parametersOf(params, "path"), ...parametersOf(query, "query")];
  return {
    operationId: id,
    tags: [group],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(operation),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)])),
      ...Object.fromEntries(failures.map((status) => [String(status), problemAnswer(status)])),
    },
  };
}

function parametersOf(schema: ObjectSchema | undefined, place: "path" | "query"): readonly DocumentPart[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = typeof property === "object" ? property : {};
    return {
      name,
      in: place,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function bodyOf({ body, streams = [] }: Operation): DocumentPart {
  if (body === undefined) return {};
  const content: Record<string, unknown> = { "application/json": { schema: refTo(body.name) } };
  // Bytes of a body have no schema in OpenAPI 3.1.
  for (const type of streams) content[type] = {};
  return { requestBody: { required: true, content } };
}

function answerOf({ description, content }: Answer): DocumentPart {
  const types = Object.entries(content).map(([type, name]) => [type, contentOf(name)] as const);
  return { description, ...(types.length === 0 ? {} : { content: Object.fromEntries(types) }) };
}

function contentOf(name: Content): DocumentPart {
  if (name === "bytes") return {};
  if (name === "text" || name === "document") return { schema: { type: name === "text" ? "string" : "object" } };
  return { schema: refTo(name) };
}

function problemAnswer(status: number): DocumentPart {
  return { description: reasons[status] ?? "An error", content: { [problemType]: { schema: refTo("Problem") } } };
}

function refTo(name: string): DocumentPart {
  return { $ref: `#/components/schemas/${name}` };
}
