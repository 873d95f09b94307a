import { z } from "zod";
import { filePath, platform, text } from "./common.ts";

const map = z.record(text(1024), text(65_536, 0));
const word = text(1024);
const words = z.array(word).max(1000);

const path = z.strictObject({
  type: z.literal("path"),
  path: filePath.describe("Folder of the server's host, in one that strata serve was told to allow"),
});
const git = z.strictObject({
  type: z.literal("git"),
  url: text(4096).describe("URL of a repository, with #ref or #ref:folder"),
});
const url = z.strictObject({
  type: z.literal("url"),
  url: text(4096).regex(/^https?:\/\//).describe("Of a tar, or of a build file without other files"),
});
const image = z.strictObject({ type: z.literal("image"), reference: text(4096) });

/** Where a build context comes from. */
export const buildContext = z.discriminatedUnion("type", [path, git, url]);

const options = {
  file: filePath.exactOptional().describe("Path of the build file in the context; Dockerfile when left out"),
  dockerfile: text(8 * 1024 * 1024, 0).exactOptional().describe(
    "The build file itself, in place of one of the context",
  ),
  tags: words.default([]).describe("Names of the image"),
  args: map.default({}).describe("Values of ARG"),
  contexts: z.record(text(1024), z.discriminatedUnion("type", [path, git, url, image])).default({})
    .describe("Other contexts, by name"),
  target: word.exactOptional().describe("Stage to build"),
  platforms: z.array(platform).max(100).default([]).describe("Several give an index"),
  labels: map.default({}),
  annotations: words.default([]).describe("[SCOPE:]KEY=VALUE, each"),
  noCache: z.union([z.boolean(), words]).default(false).describe(
    "True builds every step anew, a list those of these stages",
  ),
  pull: z.boolean().default(false).describe("Look for a newer base image"),
  output: z.enum(["image", "registry", "cacheonly"]).default("image")
    .describe("image: in the store; registry: only in the registries of its names; cacheonly: nothing but the cache"),
  push: z.boolean().default(false).describe("Push an image of the store too"),
  compression: z.enum(["gzip", "zstd", "none"]).exactOptional().describe("How layers are compressed that are pushed"),
  compressionLevel: z.int().min(1).max(22).exactOptional(),
  cacheFrom: words.default([]).describe("Names of caches in registries, to take steps from"),
  cacheTo: z.array(z.strictObject({
    ref: word.describe("Name of the cache in its registry"),
    mode: z.enum(["min", "max"]).default("min"),
    ignoreError: z.boolean().default(false),
  })).max(100).default([]),
  jobs: z.int().min(1).max(1024).exactOptional().describe("Steps that run at once"),
  secrets: map.default({}).describe("Secrets by id, for RUN --mount=type=secret"),
  network: z.enum(["default", "none"]).exactOptional().describe("Network of commands that do not choose one"),
  hosts: words.default([]).describe("NAME:IP, each, for /etc/hosts"),
  dns: words.default([]).describe("Name servers"),
  ulimits: words.default([]).describe("NAME=SOFT[:HARD], each"),
  shmSize: word.exactOptional().describe("Size of /dev/shm, such as 64m"),
  memory: word.exactOptional().describe("Memory that a command may use, such as 1g"),
  cpus: z.number().gt(0).max(100_000).exactOptional().describe("Processors that a command may use, with fractions"),
};

/** What to build, of a context that the server gets itself. */
export const buildBody = z.strictObject({
  context: buildContext.exactOptional().describe("None when left out, and then dockerfile is needed"),
  ...options,
});

/** What to build of the context in the body. */
export const buildOptions = z.strictObject(options);

/** How to build the context that is sent as the body. */
export const buildQuery = z.strictObject({
  options: text(16_000).exactOptional().describe(
    "A BuildOptions object as JSON, for a tar as the body; an address has 64 KiB in all",
  ),
});

/** What to build, without the context. */
export type BuildOptions = z.output<typeof buildOptions>;

/** A context, or one with a name. */
export type NamedPlace = z.output<typeof buildContext> | z.output<typeof image>;
