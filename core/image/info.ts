import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import type { Json } from "../oci/canonical_json.ts";
import { NamePrefix } from "../store/names.ts";
import { readImages } from "./stored_image.ts";
import { readVersion, type VersionResult } from "./version.ts";

/**
 * What `info` shows.
 *
 * @example Images of a store
 * ```ts
 * import { builtins, createCall, createEngine, type InfoResult, storeInfo } from "@strata/strata";
 *
 * await using engine = await createEngine({ plugins: builtins, config: { root: await Deno.makeTempDir() } });
 * const { images }: InfoResult = await storeInfo(engine, createCall());
 * console.log(images.total);
 * ```
 */
export interface InfoResult {
  /** Versions. */
  readonly version: VersionResult;
  /** Root of the store. */
  readonly root: string;
  /** Store driver. */
  readonly driver: string;
  /** Images in the store, and how many of them are dangling. */
  readonly images: { readonly total: number; readonly dangling: number };
  /** Records of the build cache. */
  readonly cacheRecords: number;
  /** Blobs in the store and their bytes. */
  readonly blobs: { readonly total: number; readonly size: number };
  /** Plugins by name. */
  readonly plugins: readonly string[];
  /** What the host offers, as the probe found it. */
  readonly host: { readonly [key: string]: Json };
}

/**
 * Tells about the engine and its store.
 *
 * @example Where the store is, and how large
 * ```ts
 * import { builtins, createCall, createEngine, storeInfo } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const { root: directory } = await storeInfo(engine, createCall());
 * console.log(directory);
 * ```
 */
export async function storeInfo(engine: Engine, call: Call): Promise<InfoResult> {
  const { store, config } = engine;
  const images = await readImages(store, call);
  let cacheRecords = 0;
  for await (const { name } of store.names(NamePrefix.cache, call)) if (name !== "") cacheRecords++;
  const blobs = { total: 0, size: 0 };
  for await (const { size } of store.blobs(call)) {
    blobs.total++;
    blobs.size += size;
  }
  return {
    version: readVersion(),
    root: config.root,
    driver: config.store,
    images: { total: images.length, dangling: images.filter(({ names }) => names.length === 0).length },
    cacheRecords,
    blobs,
    plugins: engine.host.plugins.map((plugin) => plugin.name),
    host: await readHost(call),
  };
}

async function readHost(call: Call): Promise<{ readonly [key: string]: Json }> {
  const { probeHost } = await import("../os/probe.ts");
  return JSON.parse(JSON.stringify(await probeHost(call)));
}
