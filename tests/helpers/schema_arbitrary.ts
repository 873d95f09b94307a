import fc from "fast-check";

/** A JSON Schema (2020-12), as far as OpenAPI documents of strata use it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly items?: Schema;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly propertyNames?: Schema;
}

/** Schemas by name, as in `#/components/schemas/NAME`. */
export type Schemas = Readonly<Record<string, Schema>>;

/** Values that a schema takes. */
export function arbitraryOf(schema: Schema, schemas: Schemas): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return arbitraryOf(schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {}, schemas);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((each) => arbitraryOf(each, schemas)));
  switch (typeof schema.type === "string" ? schema.type : schema.type?.[0]) {
    case "string":
      return textOf(schema);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({ min: schema.minimum ?? -1000, max: Math.min(schema.maximum ?? 1000, 2 ** 31 - 1) });
    case "number":
      return fc.double({
        min: schema.exclusiveMinimum ?? schema.minimum ?? -1000,
        max: schema.maximum ?? 1000,
        minExcluded: schema.exclusiveMinimum !== undefined,
        noNaN: true,
      });
    case "array":
      return fc.array(arbitraryOf(schema.items ?? {}, schemas), { maxLength: Math.min(schema.maxItems ?? 3, 3) });
    case "object":
      return objectOf(schema, schemas);
    default:
      return fc.jsonValue();
  }
}

function textOf({ pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) {
    return fc.stringMatching(new RegExp(pattern)).filter((text) =>
      text.length >= minLength && text.length <= maxLength
    );
  }
  const bounds = { minLength, maxLength: Math.min(maxLength, minLength + 40) };
  // As Unicode has it: half of a pair cannot be sent.
  return fc.oneof(fc.string({ ...bounds, unit: "binary" }), fc.string({ ...bounds, unit: "grapheme-ascii" }));
}

function objectOf(schema: Schema, schemas: Schemas): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
  const members = Object.entries(properties).map(([name, each]) => [name, arbitraryOf(each, schemas)] as const);
  const own = fc.record(Object.fromEntries(members), { requiredKeys: [...required] });
  if (typeof additionalProperties !== "object" || members.length > 0) return own;
  const key = propertyNames === undefined ? fc.string() : arbitraryOf(propertyNames, schemas) as fc.Arbitrary<string>;
  return fc.dictionary(key, arbitraryOf(additionalProperties, schemas), { maxKeys: 3 });
}

/** Values that are near another one, and mostly of no schema that takes it: a member more, one less, one of another type. */
export function brokenOf(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(valid, fc.nat(), fc.jsonValue(), fc.constantFrom("add", "drop", "change", "other")).map(
    ([value, at, junk, way]) => {
      if (way === "other" || typeof value !== "object" || value === null || Array.isArray(value)) return junk;
      const names = Object.keys(value);
      if (way === "add" || names.length === 0) return { ...value, ["unknown"]: junk };
      const name = names[at % names.length] ?? "";
      if (way === "change") return { ...value, [name]: junk };
      return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
    },
  );
}
