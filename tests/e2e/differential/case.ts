/** What a file of a context or of an archive is; see write_contexts.py. */
export interface FileSpec {
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "fifo" | "char" | "block" | "tar";
  readonly text?: string;
  /** File of this host that has the content, in place of a text. */
  readonly source?: string;
  /** Target of a symbolic or hard link; of a hard link, a path from the root of the context or archive. */
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds, with a fraction. */
  readonly mtime?: number;
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly major?: number;
  readonly minor?: number;
  readonly compression?: "none" | "gzip" | "bzip2" | "xz" | "zstd";
  /** Members of a tar. */
  readonly files?: Files;
}

/** Files by path, in the order in which they are written; text stands for a file of mode 0644. */
export type Files = Readonly<Record<string, FileSpec | string>>;

/** One Dockerfile that every builder builds. */
export interface DifferentialCase {
  /** Lower case, fit for a tag. */
  readonly name: string;
  readonly dockerfile: string;
  /**
   * The same image said in the language of 2020, for the peers, where the Dockerfile uses what they do not know. So new
   * flags are held against old ones and not against nothing.
   */
  readonly plain?: string;
  /** Which common files the context holds; all when left out. */
  readonly context?: "few";
  /** Files of the context besides the common ones, over them. */
  readonly files?: Files;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Network of the commands; the host's when left out. */
  readonly network?: "none";
  /** Flags that strata, Docker's client and buildah spell alike; BuildKit is built with over a socket, which takes none. */
  readonly flags?: readonly string[];
  /** Secrets by id; of the peers only buildah gets them. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Part of what strata says when it must refuse the file. */
  readonly fails?: string;
}

/** A builder that strata is compared with. */
export type PeerName = "classic" | "buildkit" | "buildah";
