/**
 * What is wrong with a value that a plugin gave, as the end of a message; undefined when it is as the contract says. The
 * types are what the contract promises, and the checks find out whether the plugin kept it.
 */
export type Check<T> = (value: T) => string | undefined;

/** Checks a descriptor. */
export const checkDescriptor: Check<unknown> = (value) => {
  if (!isObject(value)) return "it gave no descriptor";
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== "string" || mediaType === "") return "it gave a descriptor without a media type";
  if (!isDigest(digest)) return `it gave a descriptor with the digest ${show(digest)}`;
  return isCount(size) ? undefined : `it gave a descriptor with the size ${show(size)}`;
};

/** Checks a descriptor that may be left out. */
export const checkOptionalDescriptor: Check<unknown> = (value) =>
  value === undefined ? undefined : checkDescriptor(value);

/** Checks a name and its descriptor. */
export const checkNamed: Check<unknown> = (value) => {
  if (!isObject(value) || typeof value["name"] !== "string") return "it gave a descriptor without a name";
  return checkDescriptor(value["descriptor"]);
};

/** Checks a text. */
export const checkText: Check<unknown> = (value) => typeof value === "string" ? undefined : `it gave ${show(value)}`;

/** Checks a yes or no. */
export const checkBoolean: Check<unknown> = (value) =>
  typeof value === "boolean" ? undefined : `it gave ${show(value)}`;

/** Checks what is told of a blob. */
export const checkBlobInfo: Check<unknown> = (value) => {
  if (!isObject(value)) return "it gave no blob";
  const { digest, size } = value;
  if (!isDigest(digest)) return `it gave a blob with the digest ${show(digest)}`;
  return isCount(size) ? undefined : `it gave a blob with the size ${show(size)}`;
};

/** Checks a digest that may be left out. */
export const checkOptionalDigest: Check<unknown> = (value) => {
  if (value === undefined || isDigest(value)) return undefined;
  return `it gave the digest ${show(value)}`;
};

/** Whether a value is an object with fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Whether a value is a digest in form (image-spec, descriptor.md, "Digests"); what can be verified is decided where it is opened. */
function isDigest(value: unknown): boolean {
  return typeof value === "string" && /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]{32,}$/.test(value);
}

/** Whether a value is a count: a whole number from 0 on. */
export function isCount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(value);
}

/** A value as it is shown in a message. */
export function show(value: unknown): string {
  return value === undefined ? "undefined" : (JSON.stringify(value) ?? typeof value).slice(0, 200);
}
