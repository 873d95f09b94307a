// deno-lint-ignore-file explicit-function-return-type
/**
 * A transport plugin: `s3://BUCKET/PREFIX[:TAG]` is an OCI image layout (image-spec, image-layout.md) in a bucket that speaks S3, so other
 * tools can use what was downloaded of it. Blobs are written under their digests once they are known to be right; what an image is shows
 * in `index.json` alone, which is replaced as a whole at the end and only if nobody else has replaced it meanwhile.
 */
import { createHash } from "node:crypto";
import { AwsClient } from "npm:aws4fetch@1.0.20";
import type {
  ByteStream,
  Call,
  Descriptor,
  Digest,
  Kit,
  Named,
  OpenContent,
  PermissionRequest,
  PluginFactory,
  PluginSamples,
  ReferrerQuery,
  TransportSink,
  TransportSource,
} from "../../core/contract/mod.ts";

/** Hosts are given with `--allow-net`, as they are the user's. */
export const permissions: PermissionRequest = {
  env: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
};

/** Places in the bucket of the option `bucket`, which stay there. */
export const samples: PluginSamples = { transport: { s3: { address: "///check/{folder}/{n}" } } };

type Bytes = Uint8Array<ArrayBuffer>;

/** What the plugin's own section of the config says. */
interface Settings {
  readonly endpoint: string;
  /** Bucket of addresses that name none, as `s3:///PREFIX`. */
  readonly bucket: string;
  readonly region: string;
  /** Size of the parts in which a large blob is sent, in MiB. */
  readonly partMiB: number;
}

const defaults = { endpoint: "https://s3.amazonaws.com", bucket: "", region: "us-east-1", partMiB: 8 } as const;

function readSettings(config: Readonly<Record<string, unknown>>, kit: Kit): Settings {
  const fail = (name: string, expected: string) =>
    kit.error("INVALID_ARGUMENT", `Cannot use option "${name}" of transport-s3: expected ${expected}`, {
      detail: { field: name },
      hint: "Set it with: strata plugins add --option NAME=VALUE",
    });
  const known: Readonly<Record<string, string | number>> = defaults;
  for (const [name, value] of Object.entries(config)) {
    const usual = known[name];
    if (usual === undefined) throw fail(name, `one of ${Object.keys(defaults).join(", ")}`);
    if (typeof value !== typeof usual) throw fail(name, `a ${typeof usual}`);
  }
  const settings: Settings = { ...defaults, ...config };
  if (!/^https?:\/\//.test(settings.endpoint) || !URL.canParse(settings.endpoint)) throw fail("endpoint", "a URL");
  if (!(settings.partMiB >= 5)) throw fail("partMiB", "at least 5, which is what S3 takes");
  return settings;
}

/** A place of images. */
interface Address {
  /** As the user wrote it. */
  readonly text: string;
  readonly bucket: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  /** The one image that is meant; undefined for all. */
  readonly tag: string | undefined;
}

/** Reads what stands behind `s3:`. */
function readAddress(text: string, settings: Settings, kit: Kit): Address {
  const [, bucket = "", path = "", , tag] = /^\/\/([^/:]*)((?:\/[^/:]*)*)(:(.*))?$/.exec(text) ?? [];
  const parts = path.split("/").filter((part) => part !== "");
  const name = bucket === "" ? settings.bucket : bucket;
  const isRight = /^[a-z0-9][a-z0-9.-]+$/.test(name) && (tag === undefined || /^\w[\w.-]{0,127}$/.test(tag)) &&
    parts.every((part) => /^[A-Za-z0-9._-]+$/.test(part) && !/^\.+$/.test(part));
  if (isRight) return { text: `s3:${text}`, bucket: name, prefix: parts.map((part) => `${part}/`).join(""), tag };
  throw kit.error(
    "INVALID_ARGUMENT",
    `Cannot use address "s3:${text.slice(0, 300)}": expected s3://BUCKET/PREFIX or s3://BUCKET/PREFIX:TAG`,
    { detail: { field: "address" }, hint: 'A prefix has letters, digits, ".", "_", "-" and "/"' },
  );
}

// ---- The bucket ----

interface Ask {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Key below the prefix; undefined for the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Bytes | string;
  /** Statuses that are an answer, beside 2xx. */
  readonly expect?: readonly number[];
}

const maxTries = 6;
const answerMs = 60_000;

/** A bucket's objects below a prefix. */
class Bucket {
  readonly #client: AwsClient;
  readonly #root: string;
  readonly #prefix: string;
  readonly #kit: Kit;

  constructor(settings: Settings, { bucket, prefix }: Address, kit: Kit) {
    const variable = (name: string) => Deno.env.get(name) || undefined;
    const [accessKeyId, secretAccessKey] = [variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")];
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw kit.error("UNAUTHORIZED", `Cannot open bucket "${bucket}": no credentials`, {
        detail: { host: new URL(settings.endpoint).host },
        hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      });
    }
    const sessionToken = variable("AWS_SESSION_TOKEN");
    const login = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    this.#client = new AwsClient({ ...login, service: "s3", region: settings.region, retries: 0 });
    this.#root = `${settings.endpoint.replace(/\/+$/, "")}/${bucket}`;
    this.#prefix = prefix;
    this.#kit = kit;
  }

  /** An answer of a status that is expected. Tries again where the server is busy or the network fails. */
  async send(ask: Ask, signal?: AbortSignal): Promise<Response> {
    for (let attempt = 1;; attempt++) {
      const failure = await this.#try(ask, signal).catch((error) => this.#networkFailure(ask, error, signal));
      if (failure instanceof Response) return failure;
      if (!failure.isPassing || attempt === maxTries) throw failure.error;
      await this.#pause(Math.random() * 100 * 2 ** attempt, signal);
    }
  }

  async #try(ask: Ask, signal: AbortSignal | undefined): Promise<Response | Failure> {
    const url = new URL(this.#root);
    if (ask.key !== undefined) url.pathname += `/${this.#prefix}${ask.key}`;
    for (const [name, value] of Object.entries(ask.query ?? {})) url.searchParams.set(name, value);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("the server did not answer")), answerMs);
    try {
      const body = typeof ask.body === "string" ? new TextEncoder().encode(ask.body) : ask.body;
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body ?? new Uint8Array())).toHex();
      const request = await this.#client.sign(url, {
        method: ask.method,
        headers: { ...ask.headers, "x-amz-content-sha256": hash },
        ...(body === undefined ? {} : { body }),
      });
      const signals = [late.signal, ...(signal === undefined ? [] : [signal])];
      const response = await fetch(request, { signal: AbortSignal.any(signals) });
      if (response.ok || ask.expect?.includes(response.status)) return response;
      return await this.#refusal(ask, response);
    } finally {
      clearTimeout(timer);
    }
  }

  #networkFailure(ask: Ask, error: unknown, signal: AbortSignal | undefined): Failure {
    // What the sandbox does not allow is for strata to explain.
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (signal?.aborted === true) throw this.canceled();
    const state = error instanceof Error ? error.message : String(error);
    const host = new URL(this.#root).host;
    return {
      isPassing: true,
      error: this.#kit.error("NETWORK_FAILED", `Cannot ${describe(ask)}: ${state}`, { cause: error, detail: { host } }),
    };
  }

  async #refusal(ask: Ask, response: Response): Promise<Failure> {
    const { status } = response;
    const text = (await response.text()).slice(0, 2048);
    const told = tag(text, "Code") ?? "";
    const isLogin = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"].includes(told);
    const code = isLogin ? "UNAUTHORIZED" : status === 403 ? "DENIED" : status === 404 ? "NOT_FOUND" : "REMOTE_FAILED";
    const state = `the server answered ${status}${told === "" ? "" : ` ${told}: ${tag(text, "Message") ?? ""}`}`;
    const detail = { status, method: ask.method, url: this.#root, kind: "bucket", name: this.#root };
    return {
      isPassing: status >= 500 || status === 429 || status === 409,
      error: this.#kit.error(code, `Cannot ${describe(ask)}: ${state}`, { detail }),
    };
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
    if (signal?.aborted === true) throw this.canceled();
  }

  canceled(): Error {
    return this.#kit.error("CANCELED", "Cannot copy the image: the operation was canceled");
  }

  /** A small object and its ETag; undefined when there is none. */
  async read(key: string, signal: AbortSignal) {
    const response = await this.send({ method: "GET", key, expect: [404] }, signal);
    const text = await response.text();
    return response.status === 404 ? undefined : { text, etag: response.headers.get("etag") ?? "" };
  }

  async write(key: string, body: Bytes | string, signal: AbortSignal): Promise<void> {
    await drop(await this.send({ method: "PUT", key, body }, signal));
  }

  /** Replaces an object that still has an ETag, or writes it where none is; false when another one was faster. */
  async replace(key: string, body: string, etag: string | undefined): Promise<boolean> {
    const headers: Record<string, string> = etag === undefined ? { "if-none-match": "*" } : { "if-match": etag };
    const response = await this.send({ method: "PUT", key, body, headers, expect: [404, 412] });
    await drop(response);
    return response.ok;
  }

  async size(key: string, signal?: AbortSignal): Promise<number | undefined> {
    const response = await this.send({ method: "HEAD", key, expect: [404] }, signal);
    await drop(response);
    return response.status === 404 ? undefined : Number(response.headers.get("content-length"));
  }

  /** Bytes of an object from an offset on, going on where the connection was cut; undefined when there is none. */
  async stream(key: string, offset: number, call: Call): Promise<ByteStream | undefined> {
    const open = async (at: number) => {
      const headers = at === 0 ? {} : { range: `bytes=${at}-` };
      const response = await this.send({ method: "GET", key, headers, expect: [404] }, call.signal);
      if (response.status !== 404) return response.body?.getReader();
      await drop(response);
      return undefined;
    };
    let [reader, at, tries] = [await open(offset), offset, 0];
    if (reader === undefined) return undefined;
    return new ReadableStream({
      pull: async (controller) => {
        while (true) {
          try {
            const next = await reader?.read();
            if (next === undefined || next.done) return controller.close();
            at += next.value.length;
            tries = 0;
            return controller.enqueue(next.value);
          } catch (error) {
            if (call.signal.aborted) return controller.error(this.canceled());
            if (++tries === maxTries) {
              const failure = this.#networkFailure({ method: "GET", key }, error, call.signal);
              return controller.error(failure.error);
            }
            reader = await open(at);
          }
        }
      },
      cancel: async () => await reader?.cancel(),
    }, { highWaterMark: 0 });
  }

  async startUpload(key: string, signal: AbortSignal): Promise<string> {
    const text = await (await this.send({ method: "POST", key, query: { uploads: "" } }, signal)).text();
    return tag(text, "UploadId") ?? "";
  }

  /** Sends a part; gives its ETag. Undefined when the upload is not there any more. */
  async sendPart(key: string, part: { id: string; number: number; body: Bytes }, signal: AbortSignal) {
    const query = { partNumber: String(part.number), uploadId: part.id };
    const response = await this.send({ method: "PUT", key, query, body: part.body, expect: [404] }, signal);
    await drop(response);
    return response.status === 404 ? undefined : response.headers.get("etag") ?? "";
  }

  /** Makes an object of the parts; false when the upload is not there any more. */
  async finishUpload(key: string, id: string, etags: readonly string[]): Promise<boolean> {
    const parts = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join("");
    const body = `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`;
    const response = await this.send({ method: "POST", key, query: { uploadId: id }, body, expect: [404] });
    const text = await response.text();
    // S3 may find out that it fails after it has answered 200.
    if (response.ok && tag(text, "Error") !== undefined) {
      throw this.#kit.error("REMOTE_FAILED", `Cannot write "${key}": the server answered ${tag(text, "Message")}`);
    }
    return response.ok;
  }

  async dropUpload(key: string, id: string): Promise<void> {
    await drop(await this.send({ method: "DELETE", key, query: { uploadId: id }, expect: [404] }));
  }
}

interface Failure {
  readonly error: Error;
  /** Whether it may be over at the next try. */
  readonly isPassing: boolean;
}

function describe({ method, key }: Ask): string {
  const verb = method === "GET" || method === "HEAD" ? "read" : method === "DELETE" ? "remove" : "write";
  return key === undefined ? "list the bucket" : `${verb} "${key}" in the bucket`;
}

async function drop(response: Response): Promise<void> {
  await response.body?.cancel();
}

/** Contents of the elements of a name, which do not nest in what S3 answers. */
function tags(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, "g"))].map(([, content = ""]) => content);
}

function tag(xml: string, name: string): string | undefined {
  const marks: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" };
  return tags(xml, name)[0]?.replace(
    /&(?:#([0-9]+)|#x([0-9a-f]+)|([a-z]+));/gi,
    (_, decimal, hex, word) => marks[word] ?? String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16)),
  );
}

// ---- Blobs ----

/** Chunks of a stream, which is canceled when the loop ends early. Throws `CANCELED` when the caller gives up. */
async function* chunksOf(stream: ByteStream, bucket: Bucket, { signal }: Call): AsyncGenerator<Bytes> {
  const reader = stream.getReader();
  const leave = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", leave, { once: true });
  let isDone = false;
  try {
    while (true) {
      if (signal.aborted) throw bucket.canceled();
      const next = await reader.read();
      // Giving up makes a read that waits end as if the stream did.
      if (signal.aborted) throw bucket.canceled();
      isDone = next.done;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", leave);
    if (!isDone) await reader.cancel().catch(() => {});
  }
}

/** The same bytes in pieces of a size, the last one shorter; none is empty but that of an empty stream. */
async function* piecesOf(chunks: AsyncIterable<Bytes>, sizeOf: (number: number) => number): AsyncGenerator<Bytes> {
  let [piece, filled, number] = [new Uint8Array(sizeOf(1)), 0, 1];
  for await (let chunk of chunks) {
    while (chunk.length > 0) {
      const count = Math.min(chunk.length, piece.length - filled);
      piece.set(chunk.subarray(0, count), filled);
      filled += count;
      chunk = chunk.subarray(count);
      if (filled < piece.length || chunk.length === 0) continue;
      yield piece;
      [piece, filled] = [new Uint8Array(sizeOf(++number)), 0];
    }
  }
  if (filled > 0 || number === 1) yield piece.subarray(0, filled);
}

/** Writes a blob under its digest. Rejects `CONTENT_MISMATCH` before there is one for bytes that are not those of the descriptor. */
async function writeBlob(
  bucket: Bucket,
  { descriptor, open, settings, kit }: {
    readonly descriptor: Descriptor;
    readonly open: OpenContent;
    readonly settings: Settings;
    readonly kit: Kit;
  },
  call: Call,
): Promise<void> {
  const { digest, size } = descriptor;
  const partSize = Math.max(settings.partMiB * 1024 * 1024, Math.ceil(size / 9000));
  const hash = createHash(digest.split(":")[0] ?? "");
  let came = 0;
  const counted = async function* (): AsyncGenerator<Bytes> {
    for await (const chunk of chunksOf(await open(), bucket, call)) {
      came += chunk.length;
      if (came > size) throw mismatch(`more than ${size} bytes came`);
      hash.update(chunk);
      yield chunk;
    }
    if (came !== size) throw mismatch(`${came} bytes came, expected ${size}`);
    const actual = `${digest.split(":")[0]}:${hash.digest("hex")}`;
    if (actual !== digest) throw mismatch(`its digest is ${actual}`);
  };
  const mismatch = (state: string) =>
    kit.error("CONTENT_MISMATCH", `Cannot write blob "${digest}": ${state}`, {
      detail: { expected: size, actual: came },
    });
  const key = blobKey(digest);
  const pieces = piecesOf(counted(), () => Math.min(partSize, Math.max(size, 1)));
  if (size <= partSize) {
    // The second one is none, but bytes are checked only when all have come.
    for await (const piece of withLast(pieces)) await bucket.write(key, piece, call.signal);
    return;
  }
  const id = await bucket.startUpload(key, call.signal);
  try {
    const etags: string[] = [];
    for await (const body of pieces) {
      const etag = await bucket.sendPart(key, { id, number: etags.length + 1, body }, call.signal);
      if (etag === undefined) throw kit.error("CONFLICT", `Cannot write blob "${digest}": its upload was removed`);
      etags.push(etag);
    }
    await bucket.finishUpload(key, id, etags);
  } catch (error) {
    await bucket.dropUpload(key, id).catch(() => {});
    throw error;
  }
}

/** The last of some pieces, once all have come. */
async function* withLast(pieces: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  let last: Bytes | undefined;
  for await (const piece of pieces) last = piece;
  if (last !== undefined) yield last;
}

function blobKey(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

// ---- Names ----

const fullNameKey = "io.containerd.image.name";
const shortNameKey = "org.opencontainers.image.ref.name";
const indexType = "application/vnd.oci.image.index.v1+json";

interface Index {
  readonly manifests: readonly Descriptor[];
  /** ETag of what was read; undefined when there is none. */
  readonly etag: string | undefined;
}

async function readIndex(
  bucket: Bucket,
  { text: place }: Address,
  kit: Kit,
  signal: AbortSignal,
): Promise<Index | undefined> {
  const found = await bucket.read("index.json", signal);
  if (found === undefined) return undefined;
  try {
    const { manifests } = JSON.parse(found.text);
    if (Array.isArray(manifests) && manifests.every(isDescriptor)) return { manifests, etag: found.etag };
  } catch {
    // Told below.
  }
  throw kit.error("INVALID_ARGUMENT", `Cannot read "${place}": its index.json is no image index`);
}

function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = Object(value);
  return typeof mediaType === "string" && isDigest(digest) && Number.isSafeInteger(size) && size >= 0;
}

function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(value);
}

/** Name of an image in the index: the full one, unless another tool has given it another tag, else the short one, else its digest. */
function nameOf({ digest, annotations = {} }: Descriptor): string {
  const { [fullNameKey]: full, [shortNameKey]: short } = annotations;
  const isOther = full !== undefined && short !== undefined && !/[:/]/.test(short) && tagOf(full) !== short;
  return (isOther ? short : full ?? short) ?? `@${digest}`;
}

function tagOf(name: string): string | undefined {
  return /:(\w[\w.-]*)$/.exec(name)?.[1];
}

/** Whether a tag of an address means an image. */
function hasTag(descriptor: Descriptor, tag: string): boolean {
  const short = descriptor.annotations?.[shortNameKey];
  return short === tag || tagOf(short ?? "") === tag || tagOf(nameOf(descriptor)) === tag;
}

/** Sorts as UTF-8 does; names of images are ASCII, and what is not comes last. */
function compare(a: string, b: string): number {
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
}

/** Image that is to get a name; undefined for one without. */
interface Root {
  readonly name: string | undefined;
  readonly descriptor: Descriptor;
}

/** The entries of an index with images in it. A short name is the tag, as Docker writes it, or the whole name where two have one tag. */
function addRoots(manifests: readonly Descriptor[], roots: readonly Root[]): readonly Descriptor[] {
  const names = new Set(roots.map(({ name, descriptor }) => name ?? `@${descriptor.digest}`));
  const others = manifests.filter((each) => !names.has(nameOf(each)));
  const tags = [
    ...others.map((each) => each.annotations?.[shortNameKey]),
    ...roots.map(({ name }) => tagOf(name ?? "")),
  ];
  const added = roots.map(({ name, descriptor }): Descriptor => {
    const { mediaType, digest, size, platform, artifactType } = descriptor;
    const plain = {
      mediaType,
      digest,
      size,
      ...(platform === undefined ? {} : { platform }),
      ...(artifactType === undefined ? {} : { artifactType }),
    };
    if (name === undefined) return plain;
    const tag = tagOf(name);
    if (tag === undefined) return { ...plain, annotations: { [shortNameKey]: name } };
    const isAlone = tags.indexOf(tag) === tags.lastIndexOf(tag);
    const short = isAlone ? tag : name.replace(/^docker\.io\/(?:library\/)?/, "");
    return { ...plain, annotations: { [fullNameKey]: name, [shortNameKey]: short } };
  });
  return [...others, ...added];
}

/** Changes `index.json` as one, whoever else does; false when the change comes to nothing. */
async function changeIndex(
  bucket: Bucket,
  { address, kit, change }: {
    readonly address: Address;
    readonly kit: Kit;
    readonly change: (manifests: readonly Descriptor[]) => readonly Descriptor[] | undefined;
  },
  { signal }: Call,
): Promise<boolean> {
  while (true) {
    if (signal.aborted) throw bucket.canceled();
    const index = await readIndex(bucket, address, kit, signal);
    const manifests = change(index?.manifests ?? []);
    if (manifests === undefined) return false;
    if (index === undefined) await bucket.write("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }), signal);
    const text = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
    if (await bucket.replace("index.json", text, index?.etag)) return true;
  }
}

// ---- The transport ----

async function openSource(address: Address, settings: Settings, kit: Kit, call: Call): Promise<TransportSource> {
  const bucket = new Bucket(settings, address, kit);
  const index = await readIndex(bucket, address, kit, call.signal);
  const manifests = index?.manifests.filter((each) => address.tag === undefined || hasTag(each, address.tag)) ?? [];
  if (index === undefined || (address.tag !== undefined && manifests.length === 0)) {
    const state = index === undefined ? "there is no image" : `it has no image with the tag "${address.tag}"`;
    throw kit.error("NOT_FOUND", `Cannot open "${address.text}": ${state}`, {
      detail: { kind: "image", name: address.text },
    });
  }
  const named = manifests.map((each): Named => {
    const { annotations: _annotations, ...descriptor } = each;
    return { name: nameOf(each), descriptor };
  }).sort((a, b) => compare(a.name, b.name));
  const open = async ({ digest, size }: Descriptor, own: Call, offset = 0): Promise<ByteStream> => {
    if (own.signal.aborted) throw bucket.canceled();
    const isEnd = offset > 0 && offset === size;
    const stream = !isDigest(digest)
      ? undefined
      : isEnd
      ? new Blob([]).stream()
      : await bucket.stream(blobKey(digest), offset, own);
    if (stream !== undefined) return stream;
    throw kit.error("NOT_FOUND", `Cannot open "${digest}" in "${address.text}": it is not there`, {
      detail: { kind: "blob", name: digest },
    });
  };
  return {
    async *names(prefix) {
      for (const each of named) if (each.name.startsWith(prefix)) yield await Promise.resolve(each);
    },
    async *list(prefix) {
      for (const { name } of named) if (name.startsWith(prefix)) yield await Promise.resolve(name);
    },
    resolve: (name) => Promise.resolve(named.find((each) => each.name === name)?.descriptor),
    open,
    async *referrers({ subject, artifactType }: ReferrerQuery, own) {
      for (const each of index.manifests.filter(({ size }) => size <= 4 * 1024 * 1024)) {
        const manifest = Object(await new Response(await open(each, own)).json());
        const type = manifest.artifactType ?? Object(manifest.config).mediaType;
        const isWanted = artifactType === undefined || type === artifactType;
        const { annotations: _annotations, ...descriptor } = each;
        if (Object(manifest.subject).digest === subject.digest && isWanted) yield { ...descriptor, artifactType: type };
      }
    },
    quota: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function openSink(address: Address, settings: Settings, kit: Kit): TransportSink {
  const bucket = new Bucket(settings, address, kit);
  const roots: Root[] = [];
  const has = async ({ digest, size }: Descriptor, { signal }: Call): Promise<boolean> => {
    if (signal.aborted) throw bucket.canceled();
    return isDigest(digest) && await bucket.size(blobKey(digest), signal) === size;
  };
  return {
    has,
    async put(descriptor, open, call) {
      if (!isDigest(descriptor.digest)) {
        throw kit.error(
          "INVALID_ARGUMENT",
          `Cannot write "${String(descriptor.digest).slice(0, 160)}": it is no digest`,
        );
      }
      if (await has(descriptor, call)) return;
      await writeBlob(bucket, { descriptor, open, settings, kit }, call);
    },
    async tag(descriptor, name, call) {
      if (!await has(descriptor, call)) {
        throw kit.error("NOT_FOUND", `Cannot name "${descriptor.digest}" as "${name}": its content was not written`, {
          detail: { kind: "blob", name: descriptor.digest },
        });
      }
      const root: Root = { name: nameAt(address, name), descriptor };
      const keyOf = (each: Root) => each.name ?? `@${each.descriptor.digest}`;
      const at = roots.findIndex((known) => keyOf(known) === keyOf(root));
      if (at >= 0) roots[at] = root;
      else roots.push(root);
    },
    mount: () => Promise.resolve(false),
    async remove(name, call) {
      const change = (manifests: readonly Descriptor[]) => {
        const left = manifests.filter((each) => nameOf(each) !== name && `@${each.digest}` !== name);
        return left.length === manifests.length ? undefined : left;
      };
      return await changeIndex(bucket, { address, kit, change }, call);
    },
    async commit(call) {
      const change = (manifests: readonly Descriptor[]) => addRoots(manifests, roots);
      await changeIndex(bucket, { address, kit, change }, call);
    },
    // Blobs that no index names are seen by nobody, and the next copy finds them.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The name that an image gets: its own, with the tag of the address where that has one. */
function nameAt({ tag }: Address, name: string): string | undefined {
  if (tag === undefined) return name.startsWith("@") ? undefined : name;
  const own = tagOf(name);
  return own === undefined ? tag : `${name.slice(0, -own.length)}${tag}`;
}

const plugin: PluginFactory = ({ kit, config }) => {
  const settings = readSettings(config, kit);
  const read = (text: string, { signal }: Call): Address => {
    if (signal.aborted) throw kit.error("CANCELED", "Cannot copy the image: the operation was canceled");
    return readAddress(text, settings, kit);
  };
  return {
    name: "transport-s3",
    api: 1,
    transport: [{
      schemes: ["s3"],
      source: async (text, call) => await openSource(read(text, call), settings, kit, call),
      sink: async (text, call) => await Promise.resolve(openSink(read(text, call), settings, kit)),
      login: (host) =>
        Promise.reject(
          kit.error("UNSUPPORTED", `Cannot log in to "${host}": a bucket's credentials are variables`, {
            hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
          }),
        ),
    }],
  };
};
export default plugin;
