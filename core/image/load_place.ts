import type { ByteStream, Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { MediaType } from "../oci/media_type.ts";
import { readChunks, streamOver } from "../stream/byte_stream.ts";
import { decompress, detectCompression } from "../stream/compression.ts";
import { ofArchive, standardInput } from "./archive_error.ts";

/**
 * Where `load` reads: a path of an archive or layout directory, or a stream of an archive.
 *
 * @example An archive that comes as a stream
 * ```ts
 * import type { LoadSource } from "@strata/strata";
 *
 * const source: LoadSource = { stream: new Blob().stream() };
 * console.log("stream" in source);
 * ```
 */
export type LoadSource = { readonly path: string } | { readonly stream: ByteStream };

/** Most bytes of an archive that comes compressed or as a stream, and so has to be put aside first: 256 GiB. */
export const maxSpoolBytes = 256 * 1024 ** 3;

/** A path that a transport opens. */
export interface LoadPlace extends AsyncDisposable {
  /** Scheme that reads it. */
  readonly scheme: "docker-archive" | "oci" | "dir";
  /** Its path. */
  readonly path: string;
  /** What the user named, where that is something else. */
  readonly label?: string;
}

/**
 * Finds out what is to be loaded. A plain archive is read where it is; a compressed one, or one from a pipe, is first put aside in the
 * store, unnamed, until the place is disposed; a killed process leaves it to the next collection. Rejects `NOT_FOUND`,
 * `INVALID_ARGUMENT`, `OS_FAILED`.
 */
export async function openLoadPlace(store: Store, source: LoadSource, call: Call): Promise<LoadPlace> {
  if ("stream" in source) {
    const spooled = spool(store, source.stream, call).catch((cause) => {
      throw ofArchive(cause, "load", standardInput);
    });
    return { ...await spooled, label: standardInput };
  }
  const { path } = source;
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
    if (info.isDirectory) return staying(await directoryScheme(path), path);
    const file = await Deno.open(path);
    if (info.isFile && await isPlain(file)) {
      file.close();
      return staying("docker-archive", path);
    }
    return { ...await spool(store, file.readable, call), label: path };
  } catch (cause) {
    throw pathError(path, cause);
  }
}

/** The same error, speaking of what the user named and not of where it was put aside. */
export function namingInput({ path, label }: LoadPlace, error: unknown): unknown {
  if (!isEngineError(error)) return error;
  const named = label === undefined || !error.message.includes(path) ? error : retold(error, path, label);
  return ofArchive(named, "load", label ?? path);
}

function retold({ code, message, detail, hint, cause }: EngineError, path: string, label: string): EngineError {
  return new EngineError(code, message.replaceAll(path, label), {
    cause,
    detail: detail["path"] === path ? { ...detail, path: label } : detail,
    ...(hint === undefined ? {} : { hint }),
  });
}

function staying(scheme: LoadPlace["scheme"], path: string): LoadPlace {
  return { scheme, path, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function directoryScheme(path: string): Promise<"oci" | "dir"> {
  const has = (name: string): Promise<boolean> =>
    Deno.stat(`${path}/${name}`).then(({ isFile }) => isFile, () => false);
  if (await has("oci-layout")) return "oci";
  if (await has("manifest.json")) return "dir";
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot load "${path}": the directory holds neither an OCI layout nor an image that skopeo wrote`,
    { detail: { field: "input", value: path } },
  );
}

/** Looks at the first bytes and goes back to the start. */
async function isPlain(file: Deno.FsFile): Promise<boolean> {
  const head = new Uint8Array(16);
  const count = await file.read(head) ?? 0;
  await file.seek(0, Deno.SeekMode.Start);
  return detectCompression(head.subarray(0, count)) === "none";
}

async function spool(store: Store, stream: ByteStream, call: Call): Promise<LoadPlace> {
  const startedAt = Date.now();
  const plain = (await decompress(stream)).stream;
  const { digest } = await store.ingest(limited(plain), MediaType.octetStream, call);
  const path = store.localPath(digest);
  if (path !== undefined) {
    return { scheme: "docker-archive", path, [Symbol.asyncDispose]: () => forget(store, { digest, startedAt }, call) };
  }
  const temporary = await Deno.makeTempFile();
  const blob = await findSize(store, digest, call);
  const bytes = await store.open({ mediaType: MediaType.octetStream, digest, size: blob }, call);
  await Deno.writeFile(temporary, bytes);
  await forget(store, { digest, startedAt }, call);
  return { scheme: "docker-archive", path: temporary, [Symbol.asyncDispose]: () => Deno.remove(temporary) };
}

function limited(stream: ByteStream): ByteStream {
  return streamOver(limitChunks(stream), () => stream.cancel());
}

async function* limitChunks(stream: ByteStream): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let size = 0;
  for await (const chunk of readChunks(stream)) {
    size += chunk.length;
    if (size > maxSpoolBytes) {
      throw new EngineError("INVALID_ARGUMENT", `Cannot load archive: more than ${maxSpoolBytes} bytes uncompressed`);
    }
    yield chunk;
  }
}

async function findSize(store: Store, digest: Digest, call: Call): Promise<number> {
  for await (const blob of store.blobs(call)) if (blob.digest === digest) return blob.size;
  return 0;
}

/** Removes the archive that was put aside, unless the store had a blob with the same bytes before. */
async function forget(
  store: Store,
  spooled: { readonly digest: Digest; readonly startedAt: number },
  call: Call,
): Promise<void> {
  for await (const { digest, createdAt } of store.blobs(call)) {
    if (digest !== spooled.digest) continue;
    if (createdAt.getTime() >= spooled.startedAt) await store.delete(digest, call);
    return;
  }
}

function pathError(path: string, cause: unknown): unknown {
  if (cause instanceof Deno.errors.NotFound) {
    return new EngineError("NOT_FOUND", `Cannot load "${path}": no such file or directory`, {
      cause,
      detail: { kind: "file", name: path },
    });
  }
  if (!(cause instanceof Deno.errors.PermissionDenied)) return ofArchive(cause, "load", path);
  return new EngineError("OS_FAILED", `Cannot load "${path}": permission denied`, { cause, detail: { path } });
}
