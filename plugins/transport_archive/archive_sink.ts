import type { Call, Descriptor, Digest, Kit, OpenContent, TransportSink } from "../../core/contract/mod.ts";
import { blobPath } from "./documents.ts";
import { dockerDocuments } from "./docker_documents.ts";
import { openOutput, type Output } from "./output.ts";
import { mountNothing, refuseRemoval } from "./places.ts";
import {
  checkDescriptor,
  checkSignal,
  collectDocument,
  type Document,
  isDocument,
  layoutIndex,
  layoutMarker,
  notPut,
  oneOnly,
  readImageDocument,
  type Root,
  rootOf,
  wrongSize,
} from "./roots.ts";
import { blockBytes, writeHeader } from "./tar_header.ts";

/** Forms of archive: `oci` is a layout in a tar, `docker` is that with Docker's `manifest.json` and `repositories` beside it. */
export type ArchiveForm = "docker" | "oci";

/**
 * Opens an archive for writing. Blobs follow in the order they are put, then the documents that name them, with owner 0 and time 0:
 * the same images give the same bytes. Rejects as `openOutput` does.
 */
export async function openArchiveSink(path: string, form: ArchiveForm, kit: Kit): Promise<TransportSink> {
  return createArchiveSink(await openOutput(path, kit), { path, form, kit });
}

/** What an archive is written as. */
export interface ArchiveOptions {
  /** What the user named, for messages. */
  readonly path: string;
  readonly form: ArchiveForm;
  readonly kit: Kit;
  /** Name that the one image gets, whatever `tag` is given. */
  readonly named?: string | undefined;
}

/** Writes an archive to an output, which it takes over. */
export function createArchiveSink(output: Output, options: ArchiveOptions): TransportSink {
  return new ArchiveSink(output, options);
}

class ArchiveSink implements TransportSink {
  readonly #output: Output;
  readonly #path: string;
  readonly #form: ArchiveForm;
  readonly #kit: Kit;
  readonly #named: string | undefined;
  readonly #written = new Set<Digest>();
  readonly #folders = new Set<string>();
  readonly #documents = new Map<Digest, Document>();
  readonly #roots: Root[] = [];
  #last: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(output: Output, options: ArchiveOptions) {
    this.#output = output;
    this.#path = options.path;
    this.#form = options.form;
    this.#kit = options.kit;
    this.#named = options.named;
  }

  has(descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#written.has(descriptor.digest));
  }

  /** One blob at a time: a tar has one end. */
  put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    const turn = this.#last.then(() => this.#put(descriptor, open, call));
    this.#last = turn.catch(() => {});
    return turn;
  }

  tag(descriptor: Descriptor, name: string): Promise<void> {
    if (!this.#written.has(descriptor.digest)) return Promise.reject(notPut(descriptor.digest, name, this.#kit));
    const [first] = this.#roots;
    if (this.#named !== undefined && first !== undefined && first.descriptor.digest !== descriptor.digest) {
      return Promise.reject(oneOnly(name, this.#path, this.#kit));
    }
    const root = rootOf(descriptor, this.#named ?? name);
    const at = this.#roots.findIndex((known) =>
      root.name === undefined ? known.descriptor.digest === descriptor.digest : known.name === root.name
    );
    if (at >= 0) this.#roots[at] = root;
    else this.#roots.push(root);
    return Promise.resolve();
  }

  mount(): Promise<boolean> {
    return mountNothing();
  }

  remove(name: string): Promise<boolean> {
    return refuseRemoval(this.#path, name, this.#kit);
  }

  async commit(call: Call): Promise<void> {
    checkSignal(call, this.#kit);
    const files = new Map([
      ["index.json", layoutIndex(this.#roots, [], this.#kit)],
      ["oci-layout", layoutMarker(this.#kit)],
    ]);
    if (this.#form === "docker") {
      for (const [name, bytes] of dockerDocuments(this.#roots, this.#documents, this.#kit)) files.set(name, bytes);
    }
    for (const name of [...files.keys()].sort()) {
      const bytes = files.get(name) ?? new Uint8Array();
      await this.#output.write(writeHeader(name, bytes.length));
      await this.#output.write(bytes);
      await this.#output.write(padding(bytes.length));
    }
    await this.#output.write(new Uint8Array(2 * blockBytes));
    await this.#output.finish(call);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#output.abandon();
  }

  async #put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    checkSignal(call, this.#kit);
    checkDescriptor(descriptor, this.#kit);
    if (this.#written.has(descriptor.digest)) return;
    if (this.#isBroken) {
      throw this.#kit.error("OS_FAILED", `Cannot write archive "${this.#path}": an earlier part failed`);
    }
    const start = this.#output.size;
    try {
      await this.#writeFolders(descriptor.digest);
      await this.#output.write(writeHeader(blobPath(descriptor.digest), descriptor.size));
      if (isDocument(descriptor.mediaType)) await this.#writeDocument(descriptor, open);
      else await this.#writeBlob(descriptor, open, call);
      await this.#output.write(padding(descriptor.size));
    } catch (cause) {
      this.#isBroken = !await this.#output.rewind(start).catch(() => false);
      if (start === 0) this.#folders.clear();
      throw cause;
    }
    this.#written.add(descriptor.digest);
  }

  async #writeFolders(digest: Digest): Promise<void> {
    for (const folder of ["blobs/", `blobs/${digest.slice(0, digest.indexOf(":"))}/`]) {
      if (this.#folders.has(folder)) continue;
      await this.#output.write(writeHeader(folder, 0));
      this.#folders.add(folder);
    }
  }

  async #writeDocument(descriptor: Descriptor, open: OpenContent): Promise<void> {
    const bytes = await collectDocument(descriptor, open, this.#kit);
    const place = { kit: this.#kit, label: this.#path, path: descriptor.digest };
    const document = readImageDocument(bytes, place);
    if (document !== undefined) this.#documents.set(descriptor.digest, document);
    await this.#output.write(bytes);
  }

  async #writeBlob(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    let written = 0;
    for await (const chunk of await open()) {
      checkSignal(call, this.#kit);
      written += chunk.length;
      if (written > descriptor.size) break;
      await this.#output.write(chunk);
    }
    if (written !== descriptor.size) throw wrongSize(descriptor, written, this.#kit);
  }
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((blockBytes - (size % blockBytes)) % blockBytes);
}
