import { z } from "zod";
import { count, descriptor, digest, page, platform, problem, text, time } from "./common.ts";

const outcome = z.enum(["done", "cached", "failed", "canceled"]);

const place = z.strictObject({
  file: z.string(),
  line: z.int(),
  endLine: z.int(),
  column: z.int().exactOptional(),
  endColumn: z.int().exactOptional(),
  source: z.string().exactOptional(),
});

const warning = z.strictObject({
  type: z.literal("warning"),
  code: z.string(),
  message: z.string(),
  at: place.exactOptional(),
});

/** Something that happened, as a line of NDJSON and as the data of a server-sent event. */
export const jobEvent = z.union([
  z.strictObject({ type: z.literal("step-started"), step: z.string(), name: z.string() }),
  z.strictObject({
    type: z.literal("step-progress"),
    step: z.string(),
    current: count,
    total: count.exactOptional(),
    unit: z.enum(["bytes", "entries"]),
  }),
  z.strictObject({
    type: z.literal("step-log"),
    step: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    data: z.string(),
  }),
  z.strictObject({ type: z.literal("step-ended"), step: z.string(), outcome, digest: digest.exactOptional() }),
  z.looseObject({ type: z.literal("instructions") }).describe("What a build file says"),
  warning,
  z.strictObject({ result: z.unknown() }).describe("The last line of work that was done"),
  z.strictObject({ error: problem }).describe("The last line of work that failed"),
]);

const builtImage = z.strictObject({
  id: digest,
  descriptor,
  digest,
  alias: z.string(),
  tags: z.array(z.string()),
  familiarTags: z.array(z.string()),
  isStored: z.boolean(),
  pushed: z.array(z.string()),
  platforms: z.array(z.looseObject({ id: digest })),
});

/** What a build gave. */
export const buildResult = z.strictObject({
  image: builtImage.exactOptional(),
  steps: z.strictObject({ total: count, cached: count, built: count }),
  warnings: z.array(warning),
  metadata: z.record(z.string(), z.unknown()),
});

const pulled = z.strictObject({
  repository: z.string(),
  familiarRepository: z.string(),
  images: z.array(
    z.strictObject({ name: z.string(), familiar: z.string(), id: digest, digest, isNew: z.boolean() }),
  ),
  quota: z.looseObject({ limit: z.number(), remaining: z.number() }).exactOptional(),
});

const pushed = z.strictObject({
  images: z.array(
    z.strictObject({ name: z.string(), tag: z.string(), descriptor, onlyPlatform: z.string().exactOptional() }),
  ),
});

const copied = z.strictObject({
  images: z.array(z.strictObject({ name: z.string().exactOptional(), descriptor })),
  referrers: count,
});

const common = {
  id: z.string().describe("Names it in addresses"),
  title: z.string().describe("What it is about"),
  state: z.enum(["running", "done", "failed", "canceled"]),
  started: time,
  ended: time.exactOptional(),
  events: count.describe("How many events it has had"),
  dropped: count.describe("How many of the first ones are not kept any more"),
  error: problem.exactOptional().describe("Why it failed"),
};

/** A build that is under way, or one that was. */
export const build = z.strictObject({
  ...common,
  kind: z.literal("build"),
  result: buildResult.exactOptional(),
});

/** A pull, a push or a copy that is under way, or one that was. */
export const transfer = z.strictObject({
  ...common,
  kind: z.enum(["pull", "push", "copy"]),
  result: z.union([pulled, pushed, copied]).exactOptional(),
});

/** Builds that the server remembers. */
export const buildList = z.strictObject({ builds: z.array(build).describe("Newest first"), total: count });

/** Transfers that the server remembers. */
export const transferList = z.strictObject({ transfers: z.array(transfer).describe("Newest first"), total: count });

/** Which part of a list is wanted. */
export const jobListQuery = z.strictObject(page(100, 1000));

/** Which one a path names. */
export const jobParams = z.strictObject({ id: text(100) });

/** Whether to wait. */
export const jobQuery = z.strictObject({
  wait: z.boolean().default(false).describe("Answer when it has ended"),
});

const reference = text(4096);
const platforms = z.array(platform).max(100);
const compression = {
  compression: z.enum(["gzip", "zstd", "none"]).exactOptional().describe("How plain layers are compressed"),
  compressionLevel: z.int().min(1).max(22).exactOptional(),
};

/** What to move. */
export const transferBody = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("pull"),
    reference: reference.describe("NAME[:TAG|@DIGEST]"),
    allTags: z.boolean().default(false),
    platforms: platforms.default([]).describe("The usual one when empty"),
    allPlatforms: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal("push"),
    reference: reference.describe("NAME[:TAG] of an image in the store"),
    allTags: z.boolean().default(false),
    platforms: platforms.default([]).describe("All when empty"),
    ...compression,
  }),
  z.strictObject({
    kind: z.literal("copy"),
    source: reference.describe("registry:NAME, store:NAME, or a name of the store"),
    target: reference.describe("registry:NAME, store:NAME, or a name of the store"),
    all: z.boolean().default(false).describe("Every tag of a repository"),
    platforms: platforms.default([]).describe("All when empty"),
    referrers: z.boolean().default(false).describe("Signatures, SBOMs and attestations too"),
    ...compression,
  }),
]);

/** What to move. */
export type TransferBody = z.output<typeof transferBody>;
