import type { Call, Descriptor, Digest, Kit, OpenContent, TransportSink } from "../../core/contract/mod.ts";
import { basename, dirname, join, resolve } from "@std/path";
import { dirVersion } from "./dir_source.ts";
import { fileError } from "./files.ts";
import { writeWhole } from "./layout_sink.ts";
import { mountNothing, refuseRemoval } from "./places.ts";
import { checkDescriptor, checkSignal, hexOf, isDocument, notPut, oneOnly } from "./roots.ts";

/**
 * Opens a directory in skopeo's `dir:` form for writing one image. Everything goes to a directory beside it that takes its place at
 * commit. Rejects `CONFLICT` when the directory holds something else than such an image.
 */
export async function openDirSink(path: string, kit: Kit): Promise<TransportSink> {
  if (path === "" || path === "-") throw kit.error("INVALID_ARGUMENT", `Cannot write "${path}": expected a directory`);
  const target = resolve(path);
  if (!await canReplace(target)) {
    throw kit.error("CONFLICT", `Cannot write image directory "${path}": it holds something else`, {
      detail: { kind: "directory", name: path },
      hint: "Choose a new or empty directory",
    });
  }
  const temporary = join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}.tmp`);
  try {
    await Deno.mkdir(temporary);
  } catch (cause) {
    throw fileError(kit, "write image directory", path, cause);
  }
  return new DirSink(target, temporary, kit);
}

async function canReplace(target: string): Promise<boolean> {
  const info = await Deno.lstat(target).catch(() => undefined);
  if (info === undefined) return true;
  if (!info.isDirectory) return false;
  const version = await Deno.readTextFile(join(target, "version")).catch(() => undefined);
  if (version !== undefined) return version.startsWith(dirVersion);
  return (await Array.fromAsync(Deno.readDir(target))).length === 0;
}

class DirSink implements TransportSink {
  readonly #target: string;
  readonly #temporary: string;
  readonly #kit: Kit;
  readonly #paths = new Map<Digest, string>();
  #root: Digest | undefined;
  #isDone = false;

  constructor(target: string, temporary: string, kit: Kit) {
    this.#target = target;
    this.#temporary = temporary;
    this.#kit = kit;
  }

  has(descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#paths.has(descriptor.digest));
  }

  async put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    checkSignal(call, this.#kit);
    checkDescriptor(descriptor, this.#kit);
    if (this.#paths.has(descriptor.digest)) return;
    const name = hexOf(descriptor.digest) + (isDocument(descriptor.mediaType) ? ".manifest.json" : "");
    await writeWhole(join(this.#temporary, name), { descriptor, open, kit: this.#kit }, call);
    this.#paths.set(descriptor.digest, name);
  }

  tag(descriptor: Descriptor, name: string): Promise<void> {
    if (!this.#paths.has(descriptor.digest)) return Promise.reject(notPut(descriptor.digest, name, this.#kit));
    if (this.#root !== undefined && this.#root !== descriptor.digest) {
      return Promise.reject(oneOnly(name, this.#target, this.#kit));
    }
    this.#root = descriptor.digest;
    return Promise.resolve();
  }

  mount(): Promise<boolean> {
    return mountNothing();
  }

  remove(name: string): Promise<boolean> {
    return refuseRemoval(this.#target, name, this.#kit);
  }

  async commit(call: Call): Promise<void> {
    checkSignal(call, this.#kit);
    const name = this.#root === undefined ? undefined : this.#paths.get(this.#root);
    if (name === undefined) {
      throw this.#kit.error("INVALID_ARGUMENT", `Cannot write "${this.#target}": no image was given`);
    }
    const aside = `${this.#temporary}.old`;
    try {
      await Deno.rename(join(this.#temporary, name), join(this.#temporary, "manifest.json"));
      await Deno.writeTextFile(join(this.#temporary, "version"), `${dirVersion}1.1\n`);
      const isThere = await Deno.lstat(this.#target).then(() => true, () => false);
      if (isThere) await Deno.rename(this.#target, aside);
      await Deno.rename(this.#temporary, this.#target);
      this.#isDone = true;
      if (isThere) await Deno.remove(aside, { recursive: true });
    } catch (cause) {
      throw fileError(this.#kit, "write image directory", this.#target, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await Deno.remove(this.#temporary, { recursive: true }).catch(() => {});
  }
}
