import { z } from "zod";
import { count, descriptor, digest, filePath, filters, imageName, page, platform, text, time } from "./common.ts";

/** One image under one name. */
export const imageRow = z.strictObject({
  id: digest.describe("Image ID"),
  repository: z.string().nullable().describe("Repository as people write it; null for an image without a name"),
  tag: z.string().nullable(),
  digest: digest.describe("Digest of the manifest or index"),
  created: time.nullable(),
  size: count.describe("Bytes of the files in its layers"),
  platform: z.string().describe("Platforms, several joined by a comma"),
  alias: z.string().describe("Two words that stand for the ID"),
  names: z.array(z.string()).describe("All names of the image"),
});

/** A part of the list of images. */
export const imageList = z.strictObject({
  images: z.array(imageRow).describe("Newest first, then by name; one for each name"),
  total: count.describe("How many there are in all parts of the list"),
  hidden: count.describe("How many images without a tag the list leaves out"),
});

/** What a list of images is asked. */
export const imageListQuery = z.strictObject({
  all: z.boolean().default(false).describe("Images without a tag too"),
  reference: text(512).exactOptional().describe("Only names that match this pattern, e.g. app:*"),
  filter: filters.exactOptional().describe("dangling, label, label!, before, since, until, reference; as key=value"),
  ...page(100, 1000),
});

/** One image, in the shape of `docker image inspect`. */
export const imageDetails = z.looseObject({
  Id: digest,
  RepoTags: z.array(z.string()),
  RepoDigests: z.array(z.string()),
  Architecture: z.string(),
  Os: z.string(),
  Size: count,
  Config: z.looseObject({}),
  RootFS: z.strictObject({ Type: z.string(), Layers: z.array(digest) }),
  Descriptor: descriptor,
  Digest: digest,
  Alias: z.string(),
});

/** Which platform of an index is meant. */
export const platformQuery = z.strictObject({ platform: platform.exactOptional() });

/** Which image a path names. */
export const imageParams = z.strictObject({ name: imageName });

/** How an image was made. */
export const imageHistory = z.strictObject({
  rows: z.array(z.strictObject({
    id: digest.nullable().describe("Image ID on the first row"),
    created: time.nullable(),
    createdBy: z.string(),
    size: count,
    comment: z.string(),
    empty: z.boolean().describe("Whether the step has no layer"),
    tags: z.array(z.string()),
  })).describe("Newest first"),
});

/** One layer of an image. */
const layerText = z.string().regex(/^(?:[0-9]{1,4}|[a-z0-9]+:[0-9a-f]{32,128})$/);

/** What a list of files is asked. */
export const filesQuery = z.strictObject({
  platform: platform.exactOptional(),
  layer: layerText.exactOptional().describe(
    "One layer alone, by number (0 is the base), digest or diffID; with its whiteouts",
  ),
  path: filePath.exactOptional().describe("Only what is at and below this path"),
  ...page(1000, 10_000),
});

/** One file of an image or of a layer. */
export const imageFile = z.strictObject({
  path: z.string().describe("Absolute path"),
  type: z.enum(["file", "directory", "symlink", "hardlink", "fifo", "char", "block", "whiteout", "opaque"]),
  size: count.describe("Bytes of a file's content"),
  mode: count.describe("Permission bits"),
  uid: count,
  gid: count,
  mtime: z.number().exactOptional().describe("Seconds since 1970; left out for a layer alone"),
  target: z.string().exactOptional().describe("Where a link leads"),
});

/** A part of the list of files. */
export const fileList = z.strictObject({
  files: z.array(imageFile).describe("In walk order: a directory before what is below it"),
  hasMore: z.boolean().describe("Whether there are more after these"),
});

/** Layers of an image. */
export const layerList = z.strictObject({
  id: digest,
  layers: z.array(z.strictObject({
    digest,
    diffId: digest,
    createdBy: z.string(),
    size: count,
    files: count.describe("Entries in the layer"),
  })).describe("Base first"),
  total: count.describe("Bytes of files in all layers"),
  wasted: count.describe("Bytes of files that a layer above hides or replaces"),
  efficiency: z.number().min(0).max(1),
});

/** Which file is read. */
export const fileQuery = z.strictObject({
  path: filePath.describe("Path of a file; symlinks are followed inside the image"),
  platform: platform.exactOptional(),
  layer: layerText.exactOptional().describe("Look into one layer alone, by number (0 is the base), digest or diffID"),
});

/** Which image another one is compared with. */
export const diffQuery = z.strictObject({ to: imageName, platform: platform.exactOptional(), ...page(1000, 10_000) });

/** How two images differ. */
export const imageDiff = z.strictObject({
  rows: z.array(z.strictObject({
    change: z.enum(["added", "modified", "removed"]),
    path: z.string(),
    delta: z.int().describe("Bytes gained, negative when lost"),
  })),
  total: count.describe("Paths that differ, in all parts of the list"),
  summary: z.strictObject({ added: count, modified: count, removed: count, delta: z.int() }),
});

/** A name to give. */
export const tagBody = z.strictObject({ tag: text(512).describe("New name; no digest in it") });

/** A name that was given. */
export const tagged = z.strictObject({
  id: digest,
  name: z.string(),
  replaced: digest.exactOptional().describe("Image that had the name before"),
});

/** Names that were taken away. */
export const untagged = z.strictObject({
  untagged: z.array(z.string()),
  dangling: z.array(digest).describe("Images that have no name left; they stay"),
});

/** How an image is removed. */
export const removeQuery = z.strictObject({
  force: z.boolean().default(false).describe("Remove an image by ID although several names point at it"),
  noPrune: z.boolean().default(false).describe("Keep records of the build cache, and with them the layers"),
});

/** What was removed, or would be. */
export const removed = z.strictObject({
  actions: z.array(z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("untagged"), name: z.string() }),
    z.strictObject({ type: z.literal("deleted"), digest }),
  ])),
  reclaimed: count.describe("Bytes that were freed, or would be"),
});

/** What images to remove. */
export const imagePruneBody = z.strictObject({
  all: z.boolean().default(false).describe("Images with names too"),
  filters: filters.default([]).describe("dangling, until, label, label!; as key=value"),
  dryRun: z.boolean().default(false).describe("Only tell what would be removed"),
});
