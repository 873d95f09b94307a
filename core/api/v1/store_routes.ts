import { listCache } from "../../image/cache_list.ts";
import { pruneCache } from "../../image/cache_prune.ts";
import { diskUsage } from "../../image/disk_usage.ts";
import { storeInfo } from "../../image/info.ts";
import { readVersion } from "../../image/version.ts";
import type { FaceHost } from "../context.ts";
import { rowBody } from "./image_routes.ts";
import { jsonAnswer, type Operation, operation } from "./operation.ts";
import { cachePruneBody, cacheQuery, diskQuery } from "./schema/store.ts";

/** The build cache. */
export function cacheOperations({ engine }: FaceHost): readonly Operation[] {
  return [
    operation({
      id: "listCache",
      group: "cache",
      method: "get",
      path: "/v1/cache",
      summary: "Lists the layers and the cache mounts of the build cache",
      query: cacheQuery,
      answers: { 200: jsonAnswer("What the cache holds", "CacheList") },
      fails: [],
      changes: false,
      async run({ query: { limit, offset }, call }): Promise<Response> {
        const { rows, mounts } = await listCache(engine, call);
        return Response.json({
          records: rows.slice(offset, offset + limit).map(withCreated),
          mounts: mounts.slice(offset, offset + limit),
          total: { records: rows.length, mounts: mounts.length },
        });
      },
    }),
    operation({
      id: "pruneCache",
      group: "cache",
      method: "post",
      path: "/v1/cache/prune",
      summary: "Removes records and cache mounts that nothing needs, or tells which those are",
      body: { name: "CachePruneBody", schema: cachePruneBody },
      answers: { 200: jsonAnswer("What was removed, or would be", "CachePruned") },
      fails: [409],
      changes: true,
      run: async ({ body, call }) => Response.json(await pruneCache(engine, body, call)),
    }),
  ];
}

/** The store as a whole, and the server. */
export function systemOperations({ engine }: FaceHost): readonly Operation[] {
  return [
    operation({
      id: "diskUsage",
      group: "system",
      method: "get",
      path: "/v1/system/df",
      summary: "Tells what the store takes on disk",
      query: diskQuery,
      answers: { 200: jsonAnswer("Bytes by kind", "DiskUsage") },
      fails: [],
      changes: false,
      async run({ query, call }): Promise<Response> {
        const { rows, images, cache, mounts } = await diskUsage(engine, query, call);
        return Response.json({ rows, images: images?.map(rowBody), cache: cache?.map(withCreated), mounts });
      },
    }),
    operation({
      id: "info",
      group: "system",
      method: "get",
      path: "/v1/system/info",
      summary: "Tells about the store and its host",
      answers: { 200: jsonAnswer("Store, plugins and host", "Info") },
      fails: [],
      changes: false,
      run: async ({ call }) => Response.json(await storeInfo(engine, call)),
    }),
    operation({
      id: "version",
      group: "system",
      method: "get",
      path: "/v1/system/version",
      summary: "Tells the versions",
      answers: { 200: jsonAnswer("Versions", "Version") },
      fails: [],
      changes: false,
      run: () => Promise.resolve(Response.json(readVersion())),
    }),
  ];
}

function withCreated<T extends { readonly created: Date | undefined }>({ created, ...rest }: T): object {
  return { ...rest, created: created ?? null };
}
