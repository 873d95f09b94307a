import type { Call, Descriptor, Digest, Kit, OpenContent, TransportSink } from "../../core/contract/mod.ts";
import { dirname, join } from "@std/path";
import { openDirectoryFiles } from "./directory_files.ts";
import { blobPath, readIndexDocument } from "./documents.ts";
import { fileError, readDocument } from "./files.ts";
import { fullNameKey } from "./named.ts";
import { mountNothing, refuseRemoval } from "./places.ts";
import {
  checkDescriptor,
  checkSignal,
  layoutIndex,
  layoutMarker,
  notPut,
  type Root,
  rootOf,
  wrongSize,
} from "./roots.ts";

/**
 * Opens an OCI layout directory for writing; one that exists is added to, and a name that it has already moves. Blobs take their
 * names whole; `index.json` is replaced at commit. Rejects `CONFLICT` when the directory holds something else.
 */
export async function openLayoutSink(path: string, kit: Kit, call: Call): Promise<TransportSink> {
  if (path === "" || path === "-") {
    throw kit.error("INVALID_ARGUMENT", `Cannot write OCI layout "${path}": expected a directory`);
  }
  const found = await Deno.stat(path).catch(() => undefined);
  const others = found === undefined ? [] : await readExisting(path, kit, call);
  try {
    await Deno.mkdir(join(path, "blobs", "sha256"), { recursive: true });
  } catch (cause) {
    throw fileError(kit, "write OCI layout", path, cause);
  }
  return new LayoutSink(path, { kit, others, isNew: found === undefined });
}

async function readExisting(path: string, kit: Kit, call: Call): Promise<readonly Descriptor[]> {
  await using files = await openDirectoryFiles(path, kit);
  const bytes = await readDocument(files, "index.json", { kit, call });
  if (bytes !== undefined) return readIndexDocument(bytes, { kit, label: path, path: "index.json" }).manifests;
  const entries = await Array.fromAsync(Deno.readDir(path));
  if (entries.length === 0 || await files.size("oci-layout") !== undefined) return [];
  throw kit.error("CONFLICT", `Cannot write OCI layout "${path}": the directory holds something else`, {
    detail: { kind: "directory", name: path },
    hint: "Choose a new or empty directory",
  });
}

class LayoutSink implements TransportSink {
  readonly #path: string;
  readonly #kit: Kit;
  readonly #others: readonly Descriptor[];
  readonly #isNew: boolean;
  readonly #added = new Set<Digest>();
  readonly #roots: Root[] = [];
  #isDone = false;

  constructor(path: string, options: { kit: Kit; others: readonly Descriptor[]; isNew: boolean }) {
    this.#path = path;
    this.#kit = options.kit;
    this.#others = options.others;
    this.#isNew = options.isNew;
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    checkDescriptor(descriptor, this.#kit);
    const info = await Deno.stat(join(this.#path, blobPath(descriptor.digest))).catch(() => undefined);
    return info?.isFile === true && info.size === descriptor.size;
  }

  async put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    checkSignal(call, this.#kit);
    if (await this.has(descriptor)) return;
    await writeWhole(join(this.#path, blobPath(descriptor.digest)), { descriptor, open, kit: this.#kit }, call);
    this.#added.add(descriptor.digest);
  }

  async tag(descriptor: Descriptor, name: string): Promise<void> {
    if (!await this.has(descriptor)) throw notPut(descriptor.digest, name, this.#kit);
    const root = rootOf(descriptor, name);
    const at = this.#roots.findIndex((known) =>
      root.name === undefined ? known.descriptor.digest === descriptor.digest : known.name === root.name
    );
    if (at >= 0) this.#roots[at] = root;
    else this.#roots.push(root);
  }

  mount(): Promise<boolean> {
    return mountNothing();
  }

  remove(name: string): Promise<boolean> {
    return refuseRemoval(this.#path, name, this.#kit);
  }

  async commit(call: Call): Promise<void> {
    checkSignal(call, this.#kit);
    const names = new Set(this.#roots.map(({ name }) => name));
    const digests = new Set(this.#roots.map(({ descriptor }) => descriptor.digest));
    const others = this.#others.filter(({ annotations, digest }) => {
      const name = annotations?.[fullNameKey];
      return name === undefined ? !(annotations === undefined && digests.has(digest)) : !names.has(name);
    });
    await replaceFile(join(this.#path, "oci-layout"), layoutMarker(this.#kit), this.#kit);
    await replaceFile(join(this.#path, "index.json"), layoutIndex(this.#roots, others, this.#kit), this.#kit);
    this.#isDone = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#isNew) return await Deno.remove(this.#path, { recursive: true }).catch(() => {});
    for (const digest of this.#added) await Deno.remove(join(this.#path, blobPath(digest))).catch(() => {});
  }
}

/** What {@linkcode writeWhole} writes. */
export interface WholeBlob {
  readonly descriptor: Descriptor;
  readonly open: OpenContent;
  readonly kit: Kit;
}

/** Writes a blob to a temporary file that takes its name once it is complete. Rejects `CONTENT_MISMATCH`, `OS_FAILED`. */
export async function writeWhole(path: string, blob: WholeBlob, call: Call): Promise<void> {
  const { descriptor, open, kit } = blob;
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    using file = await Deno.open(temporary, { write: true, createNew: true });
    let written = 0;
    for await (const chunk of await open()) {
      checkSignal(call, kit);
      written += chunk.length;
      if (written > descriptor.size) break;
      for (let at = 0; at < chunk.length;) at += file.writeSync(chunk.subarray(at));
    }
    if (written !== descriptor.size) throw wrongSize(descriptor, written, kit);
    await file.sync();
    await Deno.rename(temporary, path);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {});
    throw fileError(kit, "write", path, cause);
  }
}

/** Replaces a small file as a whole. Rejects `OS_FAILED`. */
export async function replaceFile(path: string, bytes: Uint8Array<ArrayBuffer>, kit: Kit): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeFile(temporary, bytes, { createNew: true });
    await Deno.rename(temporary, path);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {});
    throw fileError(kit, "write", path, cause);
  }
}
