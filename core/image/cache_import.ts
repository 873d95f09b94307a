import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { isMountName, mountName, parseMountMeta } from "../snapshot/mount_place.ts";
import type { MountMeta, MountStore, StagedMount } from "../snapshot/mount_store.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readArchive } from "../tar/read_archive.ts";
import { ofArchive, standardInput } from "./archive_error.ts";
import { type CacheEngine, openCacheMounts } from "./cache_mount.ts";
import { MountWriter } from "./mount_writer.ts";

/**
 * What `cache import` is told.
 *
 * @example What was piped in
 * ```ts
 * import type { CacheImportInput } from "@strata/strata";
 *
 * const input: CacheImportInput = { content: new Blob([]).stream(), label: "cache.tar" };
 * console.log(input);
 * ```
 */
export interface CacheImportInput {
  /** An archive that `cache export` wrote, plain or compressed. */
  readonly content: ByteStream;
  /** What messages call it; `standard input` when left out. */
  readonly label?: string;
}

/**
 * What `cache import` read.
 *
 * @example Which directories were made
 * ```ts
 * import type { CacheImportResult } from "@strata/strata";
 *
 * const { ids }: CacheImportResult = { ids: ["/root/.npm"] };
 * console.log(ids);
 * ```
 */
export interface CacheImportResult {
  /** Ids of the mounts, in the order of the archive; an id comes again for each further copy. */
  readonly ids: readonly string[];
}

/**
 * Reads cache mounts from an archive and puts them in place of those with the same ids, all or none. Nothing is written outside of
 * the mounts, whatever the archive holds. Owners are kept by root alone. Rejects `INVALID_ARGUMENT` for what no `cache export`
 * wrote, `CONFLICT` when a mount that is to be replaced is in use, `OS_FAILED`, `CANCELED`.
 *
 * @example Take cache mounts from another machine
 * ```ts
 * import { builtins, createCall, createEngine, exportCache, importCache } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await exportCache(engine, { output: `${root}/cache.tar` }, createCall());
 * const content = (await Deno.open(`${root}/cache.tar`)).readable;
 * console.log((await importCache(engine, { content }, createCall())).ids);
 * ```
 */
export async function importCache(
  engine: CacheEngine,
  input: CacheImportInput,
  call: Call,
): Promise<CacheImportResult> {
  throwIfAborted(call.signal);
  const mounts = openCacheMounts(engine);
  mounts.sweep();
  using importing = new Importing(mounts, call);
  const staged = await importing.read(input.content).catch((error) => {
    throw ofArchive(error, "import cache", input.label ?? standardInput);
  });
  mounts.replace(staged.map((each) => each.mount));
  return { ids: staged.map(({ meta }) => meta.id) };
}

/** A mount as far as it was read. */
interface Part {
  readonly mount: StagedMount;
  readonly writer: MountWriter;
  meta: MountMeta | undefined;
}

/** Mounts that an archive is read into. */
class Importing implements Disposable {
  readonly #mounts: MountStore;
  readonly #call: Call;
  readonly #parts = new Map<string, Part>();

  constructor(mounts: MountStore, call: Call) {
    this.#mounts = mounts;
    this.#call = call;
  }

  /** Reads a whole archive; the mounts are ready to take their places then. */
  async read(content: ByteStream): Promise<readonly { readonly mount: StagedMount; readonly meta: MountMeta }[]> {
    for await (const entry of readArchive(content, this.#call)) {
      throwIfAborted(this.#call.signal);
      await this.#add(entry);
    }
    return [...this.#parts].map(([name, { mount, writer, meta }]) => {
      if (meta === undefined) {
        throw new EngineError("INVALID_ARGUMENT", `Cannot read cache mount "${name}": it has no meta.json`, {
          detail: { field: "archive", value: name },
        });
      }
      writer.finish(meta.id);
      return { mount, meta };
    });
  }

  [Symbol.dispose](): void {
    for (const { mount, writer } of this.#parts.values()) {
      writer[Symbol.dispose]();
      mount[Symbol.dispose]();
    }
  }

  async #add(entry: LayerEntry): Promise<void> {
    const [top, name, kind, ...rest] = entry.path.split("/");
    if (entry.path === "." || (top === "mounts" && kind === undefined && entry.type === "directory")) return;
    if (top !== "mounts" || name === undefined || !isMountName(name)) throw strange(entry);
    const part = this.#part(name);
    if (kind === "meta.json" && rest.length === 0) await this.#describe(name, part, entry);
    else if (kind === "data") await part.writer.write(entry, rest.join("/") || ".");
    else throw strange(entry);
  }

  #part(name: string): Part {
    const known = this.#parts.get(name);
    if (known !== undefined) return known;
    const mount = this.#mounts.stage(name);
    const prefix = `mounts/${name}/data`;
    const part = { mount, writer: new MountWriter(mount.path, prefix, this.#call), meta: undefined };
    this.#parts.set(name, part);
    return part;
  }

  async #describe(name: string, part: Part, entry: LayerEntry): Promise<void> {
    const text = entry.type === "file" && entry.content instanceof Uint8Array
      ? new TextDecoder().decode(entry.content)
      : "";
    const meta = parseMountMeta(text);
    if (meta === undefined || await mountName(meta.id) !== name.replace(/-\d+$/, "")) {
      throw new EngineError("INVALID_ARGUMENT", `Cannot read "${entry.path}": it does not describe a cache mount`, {
        detail: { field: "archive", value: entry.path },
      });
    }
    part.mount.describe(meta);
    part.meta = meta;
  }
}

function strange(entry: LayerEntry): EngineError {
  const path = entry.path.slice(0, 200);
  return new EngineError("INVALID_ARGUMENT", `Cannot read "${path}": expected nothing but cache mounts`, {
    detail: { field: "archive", value: path },
  });
}
