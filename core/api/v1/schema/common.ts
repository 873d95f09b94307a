import { z } from "zod";
import { errorCodes } from "../../../errors.ts";

/** Text of so many characters, counted as JSON Schema counts them: those that JavaScript counts twice are one. */
export function text(max: number, min = 1): z.ZodString {
  const isShort = (value: string): boolean => value.length <= max || [...value].length <= max;
  return z.string().min(min).refine(isShort, { error: `Too long: expected ${max} characters at the most` })
    .meta({ maxLength: max });
}

// What goes into an address is bounded so that all of it, escaped, fits into the 64 KiB that an address may have.

/** A name, an ID, a start of one, a digest or an alias of an image. */
export const imageName = text(512)
  .describe("A name, an ID, a start of one, a digest or a two-word alias of an image");

/** A digest as it is stored. */
export const digest = z.string().regex(/^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}$/).describe("A digest");

/** A platform as people write it. */
export const platform = z.string().regex(/^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+){1,2}$/).max(100)
  .describe("OS/ARCH or OS/ARCH/VARIANT; the host's when left out");

/** A path in an image, or in a build context. */
export const filePath = text(2048);

/** Filters as the command line takes them. */
export const filters = z.array(text(200).regex(/^[a-z]+!?=.+$/)).max(20).describe("key=value, each");

/** A time. */
export const time = z.string().meta({ format: "date-time" });

/** A number of bytes or of things. */
export const count = z.int().min(0);

/** Which part of a long list is wanted. */
export function page(usual: number, most: number): { limit: z.ZodDefault<z.ZodInt>; offset: z.ZodDefault<z.ZodInt> } {
  return {
    limit: z.int().min(1).max(most).default(usual).describe("How many to give at the most"),
    offset: z.int().min(0).default(0).describe("How many to leave out first"),
  };
}

/** A descriptor (image-spec, descriptor.md). */
export const descriptor = z.looseObject({ mediaType: z.string(), digest, size: count });

/** An error (RFC 9457), with the engine's code, hint and facts. */
export const problem = z.strictObject({
  type: z.string().describe("The part of the reference page that tells of the code"),
  title: z.string().describe("What errors of this code have in common"),
  status: z.int().min(400).max(599),
  detail: z.string().describe("What went wrong"),
  code: z.enum(errorCodes),
  hint: z.string().exactOptional().describe("What can be done about it"),
  facts: z.record(z.string(), z.unknown()).exactOptional().describe("Facts of this code, such as field and value"),
});

/** An error as JSON has it. */
export type Problem = z.output<typeof problem>;
