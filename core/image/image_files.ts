import type { ImageContent } from "../build/base_image.ts";
import { createLayerFiles, type LayerFiles } from "../build/layer_files.ts";
import { settleAll } from "../build/settle_all.ts";
import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry, Tree } from "../contract/layer.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { LayerIndex } from "../layer/index.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image_config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { collect, collectText } from "../stream/collect.ts";
import { escapeText } from "../tar/field.ts";
import { diffLayers, type DiffResult } from "./diff.ts";

/**
 * A file, directory or link of an image.
 *
 * @example Files that run with the rights of their owner
 * ```ts
 * import type { ImageEntry } from "@strata/strata";
 *
 * const isSetuid = ({ type, mode }: ImageEntry): boolean => type === "file" && (mode & 0o4000) !== 0;
 * ```
 */
export interface ImageEntry {
  /** Absolute path. */
  readonly path: string;
  /** What it is; `hardlink`, in a walk alone, a further name of a file that the walk has given. */
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "fifo" | "char" | "block";
  /** Bytes of a file's content, also of a hard link's; 0 for what has none. */
  readonly size: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Numeric owner. */
  readonly uid: number;
  /** Numeric group. */
  readonly gid: number;
  /** Seconds since the Unix epoch; may be fractional. */
  readonly mtime: number;
  /** Where a symlink leads, as it is written; of a hard link the absolute path that the walk gave before. */
  readonly target: string | undefined;
  /** Numbers of a device. */
  readonly device: { readonly major: number; readonly minor: number } | undefined;
  /** Extended attributes by full name. */
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
}

/**
 * An image as a file system, open for reading until it is disposed. Paths are slash-separated from the root of the image, with or
 * without a slash in front. Symlinks are followed inside that root and cannot lead out of it; a loop of them rejects
 * `INVALID_ARGUMENT`. An absent path, and one of the wrong type, rejects `NOT_FOUND` with `detail` `{kind: "file", name}`; a layer that
 * is missing does so with kind `blob`, and one that is not what its digest says rejects `CONTENT_MISMATCH`.
 *
 * @example Bytes below a folder
 * ```ts
 * import type { ImageFiles } from "@strata/strata";
 *
 * async function bytesBelow(image: ImageFiles, path: string): Promise<number> {
 *   let bytes = 0;
 *   for await (const entry of image.walk(path)) if (entry.type === "file") bytes += entry.size;
 *   return bytes;
 * }
 * ```
 */
export interface ImageFiles extends AsyncDisposable {
  /** Image ID. */
  readonly id: Digest;
  /** The manifest's descriptor, that of the chosen platform. */
  readonly descriptor: Descriptor;
  /** The manifest. */
  readonly manifest: Manifest;
  /** The config: environment, command, user, labels, history. */
  readonly config: ImageConfig;
  /** The platform it is for. */
  readonly platform: Platform;
  /** All bytes of a file. */
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** A file as text. Bytes that are not UTF-8 reject `INVALID_ARGUMENT`. */
  readTextFile(path: string): Promise<string>;
  /** Bytes of a file from `offset` on, which nothing before is read for; none at its end and behind. */
  open(path: string, offset?: number): Promise<ByteStream>;
  /** What is at a path, symlinks followed; its `path` is the one that they lead to. */
  stat(path: string): Promise<ImageEntry>;
  /** What is at a path, its last part not followed. */
  lstat(path: string): Promise<ImageEntry>;
  /** What is in a directory, as `lstat` has it, by name in bytewise order. */
  readDir(path: string): Promise<readonly ImageEntry[]>;
  /** Where a symlink leads, as it is written. */
  readLink(path: string): Promise<string>;
  /** What is at and below a path, `/` when left out, parents before children and in bytewise order; no symlink is followed, nor the root given. */
  walk(path?: string): AsyncIterable<ImageEntry>;
  /** How another image, opened by the same version of strata, differs from this one; as `diffImages` has it. */
  diff(other: ImageFiles): Promise<DiffResult>;
}

/** What an opened image is made of. */
export interface ImageParts {
  /** Image ID. */
  readonly id: Digest;
  /** Its documents. */
  readonly content: ImageContent;
  /** Where its layers are, or come to when they are opened. */
  readonly store: Store;
  /** Lets go of all that was opened for it. */
  close(): Promise<void>;
}

/** The file system of an image. Nothing of its layers is read until it is asked for. */
export function createImageFiles(parts: ImageParts, call: Call): ImageFiles {
  return new OpenedImage(parts, call);
}

class OpenedImage implements ImageFiles {
  readonly id: Digest;
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly platform: Platform;
  readonly #content: ImageContent;
  readonly #files: LayerFiles;
  readonly #tree: Tree;
  readonly #call: Call;
  readonly #close: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor({ id, content, store, close }: ImageParts, call: Call) {
    this.id = id;
    this.descriptor = content.descriptor;
    this.manifest = content.manifest;
    this.config = content.config;
    this.platform = content.platform;
    this.#content = content;
    this.#files = createLayerFiles(store);
    this.#tree = this.#files.tree(content.chain.layers, call);
    this.#call = call;
    this.#close = close;
  }

  async readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.#file(path);
    return await collect(await openContent(file, 0), file.size);
  }

  async readTextFile(path: string): Promise<string> {
    const file = await this.#file(path);
    return await collectText(await openContent(file, 0), file.size);
  }

  async open(path: string, offset = 0): Promise<ByteStream> {
    return await openContent(await this.#file(path), offset);
  }

  async stat(path: string): Promise<ImageEntry> {
    return await this.#describe(await this.#find("look at", path, true));
  }

  async lstat(path: string): Promise<ImageEntry> {
    return await this.#describe(await this.#find("look at", path, false));
  }

  async readDir(path: string): Promise<readonly ImageEntry[]> {
    const directory = await this.#find("list directory", path, true);
    if (directory.type !== "directory") throw notFound("list directory", path, `it is a ${directory.type}`);
    const names = await this.#tree.list(directory.path, this.#call);
    return await Promise.all(names.map((name) => this.lstat(`${directory.path}/${name}`)));
  }

  async readLink(path: string): Promise<string> {
    const link = await this.#find("read link", path, false);
    if (link.type !== "symlink") throw notFound("read link", path, `it is a ${link.type}`);
    return link.target;
  }

  async *walk(path = "/"): AsyncGenerator<ImageEntry> {
    await this.#find("walk", path, false);
    for await (const entry of this.#tree.walk(path, {}, this.#call)) {
      if (isPresent(entry)) yield await this.#describe(entry);
    }
  }

  async diff(other: ImageFiles): Promise<DiffResult> {
    if (!(#files in other)) {
      throw new EngineError("INVALID_ARGUMENT", "Cannot compare images: the other one was not opened by openImage", {
        detail: { field: "other", value: other.id },
      });
    }
    return diffLayers(await this.#indexes(), await other.#indexes());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  async #indexes(): Promise<readonly LayerIndex[]> {
    return await settleAll(this.#content.chain.layers.map((layer) => this.#files.index(layer, this.#call)));
  }

  async #file(path: string): Promise<FileEntry> {
    const file = await this.#find("read file", path, true);
    if (file.type !== "file") throw notFound("read file", path, `it is a ${file.type}`);
    return file;
  }

  async #find(verb: string, path: string, isFollowed: boolean): Promise<PresentEntry> {
    throwIfAborted(this.#call.signal);
    const entry = await (isFollowed ? this.#tree.stat(path, this.#call) : this.#tree.lstat(path, this.#call));
    if (entry === undefined || !isPresent(entry)) throw notFound(verb, path, "there is no such path");
    return entry;
  }

  async #describe(entry: PresentEntry): Promise<ImageEntry> {
    const { type, mode, uid, gid, mtime, xattrs = {} } = entry;
    const file = type === "hardlink" ? await this.#find("look at", entry.path, false) : entry;
    return {
      path: absolute(entry.path),
      type,
      size: file.type === "file" ? file.size : 0,
      mode,
      uid,
      gid,
      mtime,
      target: type === "symlink" ? entry.target : type === "hardlink" ? absolute(entry.target) : undefined,
      device: type === "char" || type === "block" ? { major: entry.major, minor: entry.minor } : undefined,
      xattrs,
    };
  }
}

/** An entry of a tree, which has no whiteouts. */
type PresentEntry = Exclude<LayerEntry, { readonly type: "whiteout" | "opaque" }>;
type FileEntry = Extract<LayerEntry, { readonly type: "file" }>;

function isPresent(entry: LayerEntry): entry is PresentEntry {
  return entry.type !== "whiteout" && entry.type !== "opaque";
}

async function openContent({ content, size }: FileEntry, offset: number): Promise<ByteStream> {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot read file from "${offset}": it is no number of bytes`, {
      detail: { field: "offset", value: offset },
    });
  }
  if (typeof content === "function") return await content(Math.min(offset, size));
  return streamOf(content.slice(offset));
}

function absolute(path: string): string {
  return path === "." ? "/" : `/${path}`;
}

function notFound(verb: string, path: string, state: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot ${verb} "${escapeText(path)}": ${state}`, {
    detail: { kind: "file", name: path },
  });
}
