import { parsePlatform } from "../../oci/platform.ts";
import { EngineError } from "../../errors.ts";
import type { Platform } from "../../oci/descriptor.ts";
import { imageHistory } from "../../image/history.ts";
import { inspectImages } from "../../image/inspect.ts";
import type { ImageRow, ListResult } from "../../image/list.ts";
import { pruneImages } from "../../image/prune.ts";
import { rememberLists } from "../../image/remembered_list.ts";
import { removeImages } from "../../image/remove.ts";
import { tagImage } from "../../image/tag.ts";
import { untagImages } from "../../image/untag.ts";
import type { FaceHost } from "../context.ts";
import { jsonAnswer, type Operation, operation } from "./operation.ts";
import { narrowEngine } from "./reach.ts";
import { imageListQuery, imageParams, imagePruneBody, platformQuery, removeQuery, tagBody } from "./schema/image.ts";

/** `/v1/images` but for files. */
export function imageOperations(host: FaceHost): readonly Operation[] {
  return [listOperation(host), pruneOperation(host), ...detailOperations(host), ...nameOperations(host)];
}

/** The whole routes of one image, which come last: a name may have slashes in it. */
export function wholeImageOperations(host: FaceHost): readonly Operation[] {
  return [inspectOperation(host), removeOperation(host)];
}

function listOperation({ engine }: FaceHost): Operation {
  const lists = rememberLists(engine);
  const known = new WeakMap<ListResult, Map<string, Uint8Array<ArrayBuffer>>>();
  return operation({
    id: "listImages",
    group: "images",
    method: "get",
    path: "/v1/images",
    summary: "Lists images, one for each name",
    query: imageListQuery,
    answers: { 200: jsonAnswer("Images, newest first", "ImageList") },
    fails: [],
    changes: false,
    async run({ query, call }): Promise<Response> {
      const { all, reference, filter, limit, offset } = query;
      const input = { all, ...(reference === undefined ? {} : { reference }), filters: filter ?? [] };
      const result = await lists.list(input, call);
      const pages = known.get(result) ?? new Map<string, Uint8Array<ArrayBuffer>>();
      known.set(result, pages);
      const page = `${limit} ${offset}`;
      let bytes = pages.get(page);
      if (bytes === undefined) {
        bytes = new TextEncoder().encode(JSON.stringify(listBody(result, { limit, offset })));
        if (pages.size < maxPages) pages.set(page, bytes);
      }
      return new Response(bytes, { headers: { "Content-Type": "application/json" } });
    },
  });
}

/** Parts of one list that are kept as bytes. */
const maxPages = 16;

function listBody(
  { rows, hidden }: ListResult,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): object {
  return { images: rows.slice(offset, offset + limit).map(rowBody), total: rows.length, hidden };
}

/** A row with null for what is not known. */
export function rowBody({ created, repository, tag, alias, ...row }: ImageRow): object {
  return { ...row, alias, repository: repository ?? null, tag: tag ?? null, created: created ?? null };
}

function pruneOperation({ engine }: FaceHost): Operation {
  return operation({
    id: "pruneImages",
    group: "images",
    method: "post",
    path: "/v1/images/prune",
    summary: "Removes images that nothing names, or tells which those are",
    body: { name: "ImagePruneBody", schema: imagePruneBody },
    answers: { 200: jsonAnswer("What was removed, or would be", "Removed") },
    fails: [409],
    changes: true,
    run: async ({ body, call }) => Response.json(await pruneImages(engine, body, call)),
  });
}

function inspectOperation(host: FaceHost): Operation {
  const engine = narrowEngine(host.engine);
  return operation({
    id: "inspectImage",
    group: "images",
    method: "get",
    path: "/v1/images/{name}",
    summary: "Describes an image, in the shape of docker image inspect",
    description: "registry:NAME is one in its registry, of which documents alone are read.",
    params: imageParams,
    query: platformQuery,
    answers: { 200: jsonAnswer("The image", "ImageDetails") },
    fails: [404, 409, 422, 501, 502, 504],
    changes: false,
    async run({ params, query, call }): Promise<Response> {
      const { images: [image], errors: [error] } = await inspectImages(
        engine,
        { images: [params.name], ...platformOf(query) },
        call,
      );
      if (error !== undefined) throw error;
      if (image !== undefined) return Response.json(image);
      throw new EngineError("NOT_FOUND", `Cannot find image "${params.name}"`, {
        detail: { kind: "image", name: params.name },
      });
    },
  });
}

function detailOperations(host: FaceHost): readonly Operation[] {
  const engine = narrowEngine(host.engine);
  return [operation({
    id: "imageHistory",
    group: "images",
    method: "get",
    path: "/v1/images/{name}/history",
    summary: "Tells how an image was made",
    params: imageParams,
    query: platformQuery,
    answers: { 200: jsonAnswer("Steps, newest first", "ImageHistory") },
    fails: [404, 409, 422, 501, 502, 504],
    changes: false,
    async run({ params, query, call }): Promise<Response> {
      const { rows } = await imageHistory(engine, { image: params.name, ...platformOf(query) }, call);
      return Response.json({
        rows: rows.map(({ id, created, ...row }) => ({ ...row, id: id ?? null, created: created ?? null })),
      });
    },
  })];
}

function nameOperations({ engine }: FaceHost): readonly Operation[] {
  return [
    operation({
      id: "tagImage",
      group: "images",
      method: "post",
      path: "/v1/images/{name}/tags",
      summary: "Gives an image one more name; one that another image has moves",
      params: imageParams,
      body: { name: "TagBody", schema: tagBody },
      answers: { 201: jsonAnswer("The name", "Tagged") },
      fails: [404, 409],
      changes: true,
      run: async ({ params, body, call }) =>
        Response.json(await tagImage(engine, { source: params.name, target: body.tag }, call), { status: 201 }),
    }),
    operation({
      id: "untagImage",
      group: "images",
      method: "delete",
      path: "/v1/images/{name}/tags",
      summary: "Takes a name away and keeps the image",
      description: "An ID, a start of one or an alias stands for every name of that image.",
      params: imageParams,
      answers: { 200: jsonAnswer("Names that are gone", "Untagged") },
      fails: [404, 409],
      changes: true,
      async run({ params, call }): Promise<Response> {
        const { errors: [error], untagged, dangling } = await untagImages(engine, { images: [params.name] }, call);
        if (error !== undefined) throw error;
        return Response.json({ untagged, dangling });
      },
    }),
  ];
}

function removeOperation({ engine }: FaceHost): Operation {
  return operation({
    id: "removeImage",
    group: "images",
    method: "delete",
    path: "/v1/images/{name}",
    summary: "Removes a name, and the image with its last one",
    params: imageParams,
    query: removeQuery,
    answers: { 200: jsonAnswer("What was removed", "Removed") },
    fails: [404, 409],
    changes: true,
    async run({ params, query, call }): Promise<Response> {
      const { errors: [error], ...result } = await removeImages(engine, { images: [params.name], ...query }, call);
      if (error !== undefined) throw error;
      return Response.json(result);
    },
  });
}

/** The platform of a query as use-cases take it. Throws `INVALID_ARGUMENT`. */
export function platformOf({ platform }: { readonly platform?: string }): { readonly platform?: Platform } {
  return platform === undefined ? {} : { platform: parsePlatform(platform) };
}
