import type { Call } from "../../contract/call.ts";
import { EngineError } from "../../errors.ts";
import { diffImages } from "../../image/diff.ts";
import type { ImageEntry } from "../../image/image_files.ts";
import { openImage, type OpenImageInput } from "../../image/open_image.ts";
import { resolveImage } from "../../image/resolve_image.ts";
import { imageTree, type TreeFile } from "../../image/tree.ts";
import type { FaceHost } from "../context.ts";
import { platformOf } from "./image_routes.ts";
import { jsonAnswer, type Operation, operation } from "./operation.ts";
import { narrowEngine } from "./reach.ts";
import { diffQuery, fileQuery, filesQuery, imageParams, platformQuery } from "./schema/image.ts";

/** What is inside images: layers, files, differences. */
export function fileOperations(host: FaceHost): readonly Operation[] {
  return [layersOperation(host), filesOperation(host), fileOperation(host), diffOperation(host)];
}

function layersOperation({ engine }: FaceHost): Operation {
  return operation({
    id: "imageLayers",
    group: "images",
    method: "get",
    path: "/v1/images/{name}/layers",
    summary: "Lists the layers of an image, and what of them is hidden",
    params: imageParams,
    query: platformQuery,
    answers: { 200: jsonAnswer("Layers, base first", "LayerList") },
    fails: [404, 409, 422, 501],
    changes: false,
    async run({ params, query, call }): Promise<Response> {
      const { layers, ...tree } = await imageTree(engine, { image: params.name, ...platformOf(query) }, call);
      return Response.json({
        ...tree,
        layers: layers.map(({ files, ...layer }) => ({ ...layer, files: files.length })),
      });
    },
  });
}

function filesOperation(host: FaceHost): Operation {
  const { engine } = host;
  return operation({
    id: "imageFiles",
    group: "images",
    method: "get",
    path: "/v1/images/{name}/files",
    summary: "Lists the files of an image, or of one of its layers",
    params: imageParams,
    query: filesQuery,
    answers: { 200: jsonAnswer("Files, in walk order", "FileList") },
    fails: [404, 409, 422, 501],
    changes: false,
    async run({ params, query, call }): Promise<Response> {
      const { layer, path, limit, offset } = query;
      const wanted = { image: params.name, path: path ?? "/", ...platformOf(query) };
      const files = layer === undefined
        ? walkImage(host, wanted, call)
        : (await filesOfLayer(engine, { ...wanted, layer }, call)).map(layerFileBody);
      const found: object[] = [];
      let skipped = 0;
      for await (const file of files) {
        if (skipped < offset) skipped++;
        else if (found.push(file) > limit) break;
      }
      return Response.json({ files: found.slice(0, limit), hasMore: found.length > limit });
    },
  });
}

type Wanted = OpenImageInput & { readonly path: string };

async function* walkImage({ engine }: FaceHost, { path, ...input }: Wanted, call: Call): AsyncGenerator<object> {
  await using image = await openStored(engine, input, call);
  for await (const file of image.walk(path)) yield fileBody(file);
}

/** Entries of one layer at and below a path. Rejects `NOT_FOUND`. */
async function filesOfLayer(
  engine: FaceHost["engine"],
  { layer, path, ...input }: Omit<Wanted, "layer"> & { readonly layer: string },
  call: Call,
): Promise<readonly TreeFile[]> {
  const { layers } = await imageTree(engine, input, call);
  const found = layers.find(({ digest, diffId }, at) => layer === String(at) || layer === digest || layer === diffId);
  if (found === undefined) {
    throw new EngineError("NOT_FOUND", `Cannot find layer "${layer}" of image "${input.image}"`, {
      detail: { kind: "layer", name: layer, layers: layers.map(({ diffId }) => diffId) },
    });
  }
  const start = `/${path.split("/").filter((part) => part !== "" && part !== ".").join("/")}`;
  const isBelow = (file: TreeFile): boolean =>
    start === "/" || file.path === start || file.path.startsWith(`${start}/`);
  const files = found.files.filter(isBelow);
  if (files.length > 0 || start === "/") return files;
  throw new EngineError("NOT_FOUND", `Cannot list "${path}": the layer has nothing there`, {
    detail: { kind: "file", name: path },
  });
}

/** Opens an image of the store alone. */
async function openStored(
  engine: FaceHost["engine"],
  input: OpenImageInput,
  call: Call,
): ReturnType<typeof openImage> {
  await resolveImage(engine, input.image, call);
  return await openImage(narrowEngine(engine), input, call);
}

function fileBody({ path, type, size, mode, uid, gid, mtime, target }: ImageEntry): object {
  return { path, type, size, mode, uid, gid, mtime, ...(target === undefined ? {} : { target }) };
}

function layerFileBody({ wasted: _wasted, target, ...file }: TreeFile): object {
  return { ...file, ...(target === undefined ? {} : { target }) };
}

function fileOperation({ engine }: FaceHost): Operation {
  return operation({
    id: "readImageFile",
    group: "images",
    method: "get",
    path: "/v1/images/{name}/file",
    summary: "Reads one file of an image, or of one of its layers",
    params: imageParams,
    query: fileQuery,
    answers: { 200: { description: "The bytes of the file", content: { "application/octet-stream": "bytes" } } },
    fails: [404, 409, 422, 501],
    changes: false,
    async run({ params, query, call, c }): Promise<Response> {
      await using stack = new AsyncDisposableStack();
      const { layer, path } = query;
      const input = { image: params.name, ...platformOf(query), ...layerOf(layer) };
      const image = stack.use(await openStored(engine, input, call));
      const { size, type } = await image.stat(path);
      if (type !== "file") {
        throw new EngineError("NOT_FOUND", `Cannot read file "${path}": it is a ${type}`, {
          detail: { kind: "file", name: path },
        });
      }
      // Bytes of an image are never shown as a page.
      const headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": String(size),
        "X-Content-Type-Options": "nosniff",
      };
      if (c.req.method === "HEAD") return new Response(null, { headers });
      const content = await image.open(path);
      return new Response(closingAfter(content, stack.move()), { headers });
    },
  });
}

function layerOf(text: string | undefined): Pick<OpenImageInput, "layer"> {
  if (text === undefined) return {};
  // The schema lets numbers and digests through alone.
  return { layer: /^[0-9]+$/.test(text) && text.length <= 4 ? Number(text) : text as `sha256:${string}` };
}

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

/** The stream, and what it is read from closed when it has ended or nobody wants it any more. */
function closingAfter(content: Bytes, held: AsyncDisposable): Bytes {
  const reader = content.getReader();
  const close = async (): Promise<void> => await held[Symbol.asyncDispose]();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      try {
        const next = await reader.read();
        if (!next.done) return controller.enqueue(next.value);
      } catch (error) {
        await close();
        throw error;
      }
      await close();
      controller.close();
    },
    async cancel(reason): Promise<void> {
      await reader.cancel(reason).finally(close);
    },
  }, { highWaterMark: 0 });
}

function diffOperation({ engine }: FaceHost): Operation {
  return operation({
    id: "diffImages",
    group: "images",
    method: "get",
    path: "/v1/images/{name}/diff",
    summary: "Compares the files of an image with those of another one",
    params: imageParams,
    query: diffQuery,
    answers: { 200: jsonAnswer("Paths that differ, in walk order", "ImageDiff") },
    fails: [404, 409, 422, 501],
    changes: false,
    async run({ params, query, call }): Promise<Response> {
      const { to, limit, offset } = query;
      const { rows, summary } = await diffImages(engine, { from: params.name, to, ...platformOf(query) }, call);
      return Response.json({ rows: rows.slice(offset, offset + limit), total: rows.length, summary });
    },
  });
}
