import { z } from "zod";
import { count, digest, filters, page, time } from "./common.ts";
import { imageRow } from "./image.ts";

const cacheRecord = z.strictObject({
  id: z.string().describe("Cache key"),
  digest: digest.describe("Layer"),
  description: z.string(),
  created: time.nullable(),
  size: count,
  inUse: z.boolean().describe("Whether an image uses the layer"),
});

const cacheMount = z.strictObject({
  name: z.string(),
  id: z.string().describe("What build files call it"),
  created: time,
  lastUsed: time,
  size: count,
  inUse: z.boolean().describe("Whether a command has it at this moment"),
});

/** Which part of the cache is wanted. */
export const cacheQuery = z.strictObject(page(1000, 10_000));

/** What the build cache holds. */
export const cacheList = z.strictObject({
  records: z.array(cacheRecord).describe("Layers, newest first"),
  mounts: z.array(cacheMount).describe("Cache mounts of RUN, those used last first; the same part of their list"),
  total: z.strictObject({ records: count, mounts: count }),
});

/** What of the cache to remove. */
export const cachePruneBody = z.strictObject({
  all: z.boolean().default(false).describe("Records too whose layers images use"),
  filters: filters.default([]).describe("type=layer, type=mount, until=…"),
  dryRun: z.boolean().default(false).describe("Only tell what would be removed"),
});

/** What of the cache was removed, or would be. */
export const cachePruned = z.strictObject({
  removed: z.array(z.string()).describe("Cache keys"),
  mounts: z.array(cacheMount),
  reclaimed: count,
});

/** How much is told. */
export const diskQuery = z.strictObject({
  verbose: z.boolean().default(false).describe("Each image, record and mount too"),
});

/** What the store takes on disk. */
export const diskUsage = z.strictObject({
  rows: z.array(z.strictObject({
    type: z.enum(["Images", "Build Cache", "Cache Mounts", "Snapshots"]),
    total: count,
    active: count,
    size: count,
    reclaimable: count,
  })),
  images: z.array(z.strictObject({ ...imageRow.shape, sharedSize: count, uniqueSize: count })).exactOptional(),
  cache: z.array(cacheRecord).exactOptional(),
  mounts: z.array(cacheMount).exactOptional(),
});

/** Versions. */
export const version = z.strictObject({
  version: z.string(),
  commit: z.string(),
  pluginApi: z.int(),
  deno: z.string(),
  os: z.string(),
  architecture: z.string(),
});

/** The store and the host. */
export const info = z.strictObject({
  version,
  root: z.string(),
  driver: z.string(),
  images: z.strictObject({ total: count, dangling: count }),
  cacheRecords: count,
  blobs: z.strictObject({ total: count, size: count }),
  plugins: z.array(z.string()),
  host: z.looseObject({}),
});
