import type { Call, Kit } from "../../core/contract/mod.ts";
import { basename, dirname, join } from "@std/path";
import { fileError } from "./files.ts";

/** Where an archive is written to, byte after byte. */
export interface Output {
  /** Number of bytes written so far. */
  readonly size: number;
  /** Appends all of the bytes. Rejects `OS_FAILED`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Takes back what was written after a position; false where that cannot be done. */
  rewind(size: number): Promise<boolean>;
  /** Makes the archive visible where it belongs, durably. */
  finish(call: Call): Promise<void>;
  /** Leaves nothing behind; harmless after `finish`. */
  abandon(): Promise<void>;
}

/**
 * Opens an output: `-` is standard output, an existing device or pipe is written directly, anything else goes to a temporary file
 * that takes its place at the end; where the path is a symlink, the place of what it leads to. Rejects `NOT_FOUND`, `INVALID_ARGUMENT`, `OS_FAILED`.
 */
export async function openOutput(path: string, kit: Kit): Promise<Output> {
  if (path === "-") return new StreamOutput(Deno.stdout, { path, kit });
  if (path === "") throw kit.error("INVALID_ARGUMENT", `Cannot write archive "": the path is empty`);
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory === true) {
    throw kit.error("INVALID_ARGUMENT", `Cannot write archive "${path}": it is a directory, expected a file`);
  }
  try {
    const target = info === undefined ? path : await regularTarget(path, info);
    if (target === undefined) return new StreamOutput(await Deno.open(path, { write: true }), { path, kit });
    const temporary = join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}.tmp`);
    const file = await Deno.open(temporary, { write: true, createNew: true });
    return new FileOutput(file, { path, temporary, publish: () => Deno.rename(temporary, target), kit });
  } catch (cause) {
    throw fileError(kit, "write archive", path, cause);
  }
}

/** Opens an output that gathers the archive in a temporary file, whose path is handed over at the end. Rejects `OS_FAILED`. */
export async function openSpool(path: string, kit: Kit, publish: Publish): Promise<Output> {
  const temporary = await Deno.makeTempFile({ prefix: "strata-docker-", suffix: ".tar" });
  return new FileOutput(await Deno.open(temporary, { write: true }), { path, temporary, publish, kit });
}

/** Brings a written file to where it belongs. */
export type Publish = (path: string, call: Call) => Promise<void>;

/** The regular file that a path leads to; undefined for anything else, and for an open file that has no name any more. */
async function regularTarget(path: string, info: Deno.FileInfo): Promise<string | undefined> {
  return info.isFile ? await Deno.realPath(path).catch(() => undefined) : undefined;
}

class FileOutput implements Output {
  size = 0;
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #temporary: string;
  readonly #publish: Publish;
  readonly #kit: Kit;
  #isOpen = true;

  constructor(file: Deno.FsFile, options: { path: string; temporary: string; publish: Publish; kit: Kit }) {
    this.#file = file;
    this.#path = options.path;
    this.#temporary = options.temporary;
    this.#publish = options.publish;
    this.#kit = options.kit;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#try(() => {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
      this.size += bytes.length;
    });
  }

  async rewind(size: number): Promise<boolean> {
    await this.#try(async () => {
      await this.#file.truncate(size);
      await this.#file.seek(size, Deno.SeekMode.Start);
      this.size = size;
    });
    return true;
  }

  finish(call: Call): Promise<void> {
    return this.#try(async () => {
      await this.#file.sync();
      this.#close();
      await this.#publish(this.#temporary, call);
    });
  }

  async abandon(): Promise<void> {
    this.#close();
    await Deno.remove(this.#temporary).catch(() => {});
  }

  #close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }

  async #try(act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (cause) {
      throw fileError(this.#kit, "write archive", this.#path, cause);
    }
  }
}

class StreamOutput implements Output {
  size = 0;
  readonly #target: { write(bytes: Uint8Array): Promise<number>; close(): void };
  readonly #path: string;
  readonly #kit: Kit;
  #isOpen = true;

  constructor(
    target: { write(bytes: Uint8Array): Promise<number>; close(): void },
    options: { path: string; kit: Kit },
  ) {
    this.#target = target;
    this.#path = options.path;
    this.#kit = options.kit;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#target.write(bytes.subarray(at));
      this.size += bytes.length;
    } catch (cause) {
      throw fileError(this.#kit, "write archive", this.#path, cause);
    }
  }

  rewind(size: number): Promise<boolean> {
    return Promise.resolve(size === this.size);
  }

  finish(): Promise<void> {
    return this.abandon();
  }

  abandon(): Promise<void> {
    if (this.#isOpen && this.#path !== "-") this.#target.close();
    this.#isOpen = false;
    return Promise.resolve();
  }
}
