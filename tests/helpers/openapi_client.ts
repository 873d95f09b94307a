import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { assert } from "@std/assert";
import fc from "fast-check";
import { arbitraryOf, brokenOf, type Schema, type Schemas } from "./schema_arbitrary.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: Schema;
}

interface Media {
  readonly schema?: Schema;
}

/** One route of an OpenAPI document. */
export interface DocumentedRoute {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Readonly<Record<string, Media>> | undefined;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

/** What a test knows of an OpenAPI document. */
export interface OpenApiClient {
  readonly routes: readonly DocumentedRoute[];
  /** Requests to a route; `pools` has values that mean something, by the name of a parameter. */
  requestsOf(route: DocumentedRoute, pools: Readonly<Record<string, readonly string[]>>): fc.Arbitrary<SchemaRequest>;
  /** Checks that an answer is one that the document tells of: its status, its type, its body. Gives the body. */
  check(route: DocumentedRoute, response: Response): Promise<unknown>;
}

/** A request that was made of schemas. */
export interface SchemaRequest {
  readonly path: string;
  readonly init: RequestInit;
  /** Whether every schema takes its part. */
  readonly isValid: boolean;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly components: { readonly schemas: Schemas };
}

/** Reads an OpenAPI document for tests. Schemas are judged by ajv, which is not what the API judges with. */
export function readOpenApi(document: Document): OpenApiClient {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "doc", components: document.components });
  const { schemas } = document.components;
  const known = new Map<Schema, ValidateFunction>();
  const takes = (schema: Schema, value: unknown): boolean => {
    const validate = known.get(schema) ?? ajv.compile(inDocument(schema));
    known.set(schema, validate);
    const isTaken = validate(value) === true;
    lastErrors = isTaken ? "" : ajv.errorsText(validate.errors);
    return isTaken;
  };
  let lastErrors = "";
  return {
    routes: routesOf(document),
    requestsOf: (route, pools) => requestsOf(route, { pools, schemas, takes }),
    async check(route, response): Promise<unknown> {
      const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
      const text = await response.text();
      const what = `${route.method} ${route.path}: ${response.status} ${type} ${text.slice(0, 500)}`;
      const answer = route.responses[String(response.status)];
      assert(answer !== undefined, `the document has no such status: ${what}`);
      const media = answer.content?.[type];
      assert(media !== undefined, `the document has no such type: ${what}`);
      if (media.schema === undefined || !/json/.test(type)) return text;
      if (type === "application/x-ndjson") {
        for (const line of text.trimEnd().split("\n")) {
          assert(takes(media.schema, JSON.parse(line)), `${lastErrors}: ${line}`);
        }
        return text;
      }
      const body = JSON.parse(text);
      assert(takes(media.schema, body), `${lastErrors}: ${what}`);
      return body;
    },
  };
}

/** The schema with references that are found in the document. */
function inDocument(schema: Schema): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"doc#/components/'));
}

function routesOf({ paths }: Document): readonly DocumentedRoute[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { operationId, parameters, requestBody, responses } = operation;
      return {
        id: String(operationId),
        method: method.toUpperCase(),
        path,
        // Checked by the test of the document itself.
        parameters: (parameters ?? []) as readonly Parameter[],
        body: (requestBody as { readonly content: DocumentedRoute["body"] } | undefined)?.content,
        responses: responses as DocumentedRoute["responses"],
      };
    })
  );
}

interface Making {
  readonly pools: Readonly<Record<string, readonly string[]>>;
  readonly schemas: Schemas;
  readonly takes: (schema: Schema, value: unknown) => boolean;
}

/** One part of a request. */
interface Part {
  readonly isValid: boolean;
  readonly text: string;
}

function requestsOf(route: DocumentedRoute, making: Making): fc.Arbitrary<SchemaRequest> {
  const parts = (place: Parameter["in"]): fc.Arbitrary<readonly (Part | undefined)[]> =>
    fc.tuple(...route.parameters.filter((each) => each.in === place).map((each) => parameterOf(each, making)));
  const junk = rarely(fc.constant<Part>({ isValid: false, text: "unknown=1" }));
  return fc.tuple(parts("path"), parts("query"), bodyOf(route, making), junk).map(([inPath, inQuery, body, more]) => {
    let path = route.path;
    for (const part of inPath) path = path.replace(/\{[a-z]+\}/, part?.text ?? "");
    const query = [...inQuery, more].flatMap((part) => part === undefined ? [] : [part]);
    const every = [...inPath.flatMap((part) => part ?? []), ...query, ...(body === undefined ? [] : [body])];
    return {
      path: query.length === 0 ? path : `${path}?${query.map(({ text }) => text).join("&")}`,
      init: {
        method: route.method,
        ...(body === undefined ? {} : { body: body.text, headers: { "content-type": "application/json" } }),
      },
      isValid: every.every(({ isValid }) => isValid),
    };
  });
}

/** Undefined but for one of twenty. */
function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 19, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

function parameterOf(parameter: Parameter, { pools, schemas, takes }: Making): fc.Arbitrary<Part | undefined> {
  const { name, schema, required } = parameter;
  const pool = pools[name] ?? [];
  const isText = (value: unknown): value is string => typeof value === "string" && value.isWellFormed();
  const valid = fc.oneof(
    ...(pool.length === 0 ? [] : [{ weight: 4, arbitrary: fc.constantFrom<unknown>(...pool) }]),
    { weight: 2, arbitrary: arbitraryOf(schema, schemas) },
    // What no schema of a number or of a choice takes.
    { weight: 1, arbitrary: fc.constantFrom<unknown>("", "x", "-1", "1e3", "99999999999", "true", "a/b", "%00") },
  );
  const part = valid.filter((value) => isSendable(value, parameter.in)).map((value): Part => {
    const values = Array.isArray(value) ? value : [value];
    const judged = Array.isArray(value) || !isText(value) ? value : converted(value, schema);
    const texts = values.map((each) => encodeURIComponent(String(each)));
    return {
      isValid: takes(schema, schema.type === "array" ? values : judged),
      text: parameter.in === "path" ? texts.join("") : texts.map((text) => `${name}=${text}`).join("&"),
    };
  }).map((made) => made.text === "" ? undefined : made);
  return required ? part.filter((made) => made !== undefined) : fc.option(part, { nil: undefined });
}

/** An empty part of a path, and one that leads elsewhere, is another path. */
function isSendable(value: unknown, place: Parameter["in"]): boolean {
  const texts = (Array.isArray(value) ? value : [value]).map(String);
  if (!texts.every((text) => text.isWellFormed())) return false;
  return place === "query" || !["", ".", ".."].includes(texts.join(""));
}

function converted(text: string, { type }: Schema): unknown {
  if (type === "boolean" && /^(?:true|false)$/.test(text)) return text === "true";
  if (type === "integer" && /^-?[0-9]+$/.test(text)) return Number(text);
  return text;
}

function bodyOf({ body }: DocumentedRoute, { schemas, takes }: Making): fc.Arbitrary<Part | undefined> {
  const schema = body?.["application/json"]?.schema;
  if (schema === undefined) return fc.constant(undefined);
  const valid = arbitraryOf(schema, schemas);
  const values = fc.oneof({ weight: 3, arbitrary: valid }, { weight: 2, arbitrary: brokenOf(valid) });
  const json = values.map((value): Part => {
    const text = JSON.stringify(value);
    return { isValid: takes(schema, JSON.parse(text)), text };
  });
  return fc.oneof({ weight: 19, arbitrary: json }, {
    weight: 1,
    arbitrary: fc.string().filter((text) => !isJson(text)).map((text): Part => ({ isValid: false, text })),
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
