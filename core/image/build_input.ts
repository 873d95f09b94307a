import type { Platform } from "../oci/descriptor.ts";
import type { ContextSource } from "../build/context_source.ts";
import type { RunOptions } from "../build/run_options.ts";
import type { Annotation } from "./annotation.ts";
import type { CompressionChoice } from "./compression_choice.ts";

export type { ContextSource };

/**
 * A place that `COPY --from` and `FROM` can name besides stages and images.
 *
 * @example An image for `COPY --from=tools`
 * ```ts
 * import type { NamedContext } from "@strata/strata";
 *
 * const contexts: Readonly<Record<string, NamedContext>> = { tools: { type: "image", reference: "alpine:3.20" } };
 * console.log(Object.keys(contexts));
 * ```
 */
export type NamedContext =
  | ContextSource
  | {
    readonly type: "image";
    /** Reference, ID or digest of an image in the store. */
    readonly reference: string;
  }
  | {
    readonly type: "oci-layout";
    /** Folder of the layout. */
    readonly path: string;
    /** Tag or digest in it; left out when it holds one image. */
    readonly reference?: string;
  };

/**
 * Where the build file is.
 *
 * @example A build file that is nowhere on disk
 * ```ts
 * import type { BuildFileSource } from "@strata/strata";
 *
 * const file: BuildFileSource = { type: "text", text: "FROM scratch\nCOPY . /\n" };
 * console.log(file.type);
 * ```
 */
export type BuildFileSource =
  | {
    /** `Dockerfile`, else `dockerfile`, at the root of the context. */
    readonly type: "default";
  }
  | {
    readonly type: "path";
    /** A path of this host when the context is a folder, else a path in the context. */
    readonly path: string;
  }
  | {
    readonly type: "context";
    /** A path in the context, be that a folder or not; no symlink leads out of it. */
    readonly path: string;
  }
  | {
    readonly type: "text";
    /** The whole file, as read from standard input. */
    readonly text: string;
  };

/**
 * One thing that a build makes of its result.
 *
 * @example An image in the store, under a name
 * ```ts
 * import type { BuildOutput } from "@strata/strata";
 *
 * const output: BuildOutput = { type: "image", names: ["app:1"] };
 * console.log(output.type);
 * ```
 */
export type BuildOutput =
  | {
    /** An image in the store, under every tag. */
    readonly type: "image";
    /** Names besides the tags. */
    readonly names?: readonly string[];
    /** How it is pushed under every name too; it is not when left out. */
    readonly push?: CompressionChoice;
  }
  | {
    /** An image in the registries that its names say, and not in the store. */
    readonly type: "registry";
    /** Names besides the tags. */
    readonly names?: readonly string[];
    /** How it is pushed. */
    readonly push: CompressionChoice;
  }
  | {
    /** The files of the image in a folder of this host; one folder for each platform when there are several. */
    readonly type: "local";
    readonly dest: string;
    /** Whether each platform gets a folder of its own; true for several platforms when left out. */
    readonly platformSplit?: boolean;
  }
  | {
    /** The files of the image as a plain tar. */
    readonly type: "tar";
    /** Path of a file of this host, or `-` for standard output. */
    readonly dest: string;
    /** As for `local`. */
    readonly platformSplit?: boolean;
  }
  | {
    /** The image as an archive that other tools load: an OCI layout or a docker archive. */
    readonly type: "oci" | "docker";
    /** Path of this host, or `-` for standard output. */
    readonly dest: string;
    /** Names in the archive besides the tags. */
    readonly names?: readonly string[];
    /** False writes a folder in place of a tar; `oci` only. */
    readonly tar?: boolean;
  }
  | {
    /** Nothing but the build cache. */
    readonly type: "cacheonly";
  };

/**
 * A cache of builds elsewhere, to take layers from.
 *
 * @example Layers of another machine
 * ```ts
 * import type { CacheFrom } from "@strata/strata";
 *
 * const from: CacheFrom = { type: "registry", ref: "registry.example.com/team/cache" };
 * console.log(from.type);
 * ```
 */
export type CacheFrom =
  | {
    readonly type: "registry";
    /** Name of the cache in its registry. */
    readonly ref: string;
  }
  | {
    readonly type: "local";
    /** Folder of an OCI layout. */
    readonly src: string;
    /** Tag or digest in it. */
    readonly name: string;
  };

/**
 * A place to keep the layers of a build for builds elsewhere.
 *
 * @example Every layer of a build
 * ```ts
 * import type { CacheTo } from "@strata/strata";
 *
 * const to: CacheTo = { type: "registry", ref: "registry.example.com/team/cache", mode: "max", ignoreError: true };
 * console.log(to.mode);
 * ```
 */
export type CacheTo =
  & CompressionChoice
  & {
    /** `min` keeps the layers of the result, `max` those of all steps. */
    readonly mode: "min" | "max";
    /** Whether the build goes on when its cache cannot be kept. */
    readonly ignoreError: boolean;
  }
  & (
    | {
      readonly type: "registry";
      /** Name of the cache in its registry. */
      readonly ref: string;
    }
    | {
      readonly type: "local";
      /** Folder of an OCI layout, which is made when it is missing. */
      readonly dest: string;
      /** Tag in it. */
      readonly name: string;
    }
  );

/**
 * Everything a build depends on besides the store and the engine's config.
 *
 * @example Two platforms, pushed with zstd
 * ```ts
 * import type { BuildInput } from "@strata/strata";
 *
 * const input: BuildInput = {
 *   context: { type: "directory", path: "." },
 *   tags: ["registry.example.com/team/app:1"],
 *   platforms: [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }],
 *   args: { VERSION: "1" },
 *   outputs: [{ type: "registry", push: { compression: "zstd" } }],
 * };
 * console.log(input);
 * ```
 */
export interface BuildInput {
  /** The build context. */
  readonly context: ContextSource;
  /** The build file; {@linkcode BuildFileSource} `default` when left out. */
  readonly file?: BuildFileSource;
  /** References the image gets, as the user wrote them. */
  readonly tags?: readonly string[];
  /** `--build-arg` values. */
  readonly args?: Readonly<Record<string, string>>;
  /** `--build-context` by name. */
  readonly contexts?: Readonly<Record<string, NamedContext>>;
  /** Stage to stop at, by name or number; the last when left out. */
  readonly target?: string;
  /** Platforms to build, in order; the host's when empty or left out. Several give an image index. */
  readonly platforms?: readonly Platform[];
  /** Labels set on the final stage, after its own. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the manifests and the index. */
  readonly annotations?: readonly Annotation[];
  /** True builds every step anew, a list those of the named stages. */
  readonly noCache?: boolean | readonly string[];
  /** Whether base images are looked up at their registry even when present. */
  readonly pull?: boolean;
  /** What to make of the result; one `image` when empty or left out. */
  readonly outputs?: readonly BuildOutput[];
  /** Caches that are asked, in order, for layers that the store does not have. */
  readonly cacheFrom?: readonly CacheFrom[];
  /** Where the layers of the build are kept besides the store. */
  readonly cacheTo?: readonly CacheTo[];
  /** Steps that may be at work at once; one for each core when left out. */
  readonly jobs?: number;
  /** How the commands of the build file run; alone, in the usual sandbox and without secrets when left out. */
  readonly run?: RunOptions;
}

/** What reads a build context from standard input: a tar, or a build file that needs none. */
export interface StreamedContext {
  readonly context: ContextSource;
  /** Set when the stream was a build file. */
  readonly file?: BuildFileSource;
}
