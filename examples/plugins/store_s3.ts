// deno-lint-ignore-file explicit-function-return-type
/**
 * A store plugin: images and the build cache in a bucket that speaks S3, shared by any number of machines. Store driver `s3`.
 *
 * What is in the bucket, below the prefix:
 *
 * - `blobs/…`: each blob under a key of its own, which is never written twice;
 * - `log/<n>`: what changed, one numbered entry after the other. An entry is written only where none is (`If-None-Match: *`), so of two
 *   machines that change the store at once one has to look at what the other did, and decide anew. That makes every change one of all or
 *   nothing, also of several names, and what a collection removes is decided against all that was done before it;
 * - `state/<n>`: everything up to entry n, so that the log need not be read from its beginning;
 * - `leases/<id>`: says by its age whether the process that holds a lease, or collects, is alive.
 */
import { createHash } from "node:crypto";
import { AwsClient } from "npm:aws4fetch@1.0.20";
import type {
  BlobInfo,
  ByteStream,
  Call,
  Descriptor,
  Digest,
  Kit,
  NameChange,
  Named,
  OpenContent,
  PermissionRequest,
  PluginFactory,
  PluginSamples,
  Store,
} from "../../core/contract/mod.ts";

/** Hosts are given with `--allow-net`, as they are the user's. */
export const permissions: PermissionRequest = {
  env: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
};

/** A place of its own for each run, which stays in the bucket. */
export const samples: PluginSamples = { store: { s3: "check/{folder}/{n}" } };

type Bytes = Uint8Array<ArrayBuffer>;

/** What the plugin's own section of the config says. */
interface Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly prefix: string;
  /** Size of the parts in which a large blob is sent, in MiB. */
  readonly partMiB: number;
  /** After how many seconds without a sign of life a lease counts as that of a dead process. */
  readonly leaseSeconds: number;
  /** After how many seconds an upload that nobody went on with may be taken over. */
  readonly idleSeconds: number;
  /** After how many seconds a collection removes what a killed process left half-written. */
  readonly abandonedSeconds: number;
}

const defaults = {
  endpoint: "https://s3.amazonaws.com",
  bucket: "",
  region: "us-east-1",
  prefix: "",
  partMiB: 8,
  leaseSeconds: 300,
  idleSeconds: 60,
  abandonedSeconds: 24 * 3600,
} as const satisfies Settings;

function readSettings(config: Readonly<Record<string, unknown>>, kit: Kit): Settings {
  const fail = (name: string, expected: string) =>
    kit.error("INVALID_ARGUMENT", `Cannot use option "${name}" of store-s3: expected ${expected}`, {
      detail: { field: name },
      hint: "Set it with: strata plugins add --option NAME=VALUE",
    });
  const known: Readonly<Record<string, string | number>> = defaults;
  for (const [name, value] of Object.entries(config)) {
    const usual = known[name];
    if (usual === undefined) throw fail(name, `one of ${Object.keys(defaults).join(", ")}`);
    if (typeof value !== typeof usual) throw fail(name, `a ${typeof usual}`);
    if (typeof value === "number" && !(value >= 0)) throw fail(name, "a number from 0 on");
  }
  const settings: Settings = { ...defaults, ...config };
  if (!/^[a-z0-9][a-z0-9.-]+$/.test(settings.bucket)) throw fail("bucket", "the name of a bucket");
  if (!/^https?:\/\//.test(settings.endpoint) || !URL.canParse(settings.endpoint)) throw fail("endpoint", "a URL");
  if (settings.partMiB < 5) throw fail("partMiB", "at least 5, which is what S3 takes");
  if (settings.leaseSeconds < 1) throw fail("leaseSeconds", "at least 1");
  return settings;
}

/** Parts of a key; slashes are made single. Throws for what a URL would not leave as it is. */
function cleanPrefix(text: string, kit: Kit): string {
  const parts = text.split(/[\\/]+/).filter((part) => part !== "");
  if (parts.every((part) => /^[A-Za-z0-9._-]+$/.test(part) && !/^\.+$/.test(part))) {
    return parts.map((part) => `${part}/`).join("");
  }
  throw kit.error(
    "INVALID_ARGUMENT",
    `Cannot use prefix "${text.slice(0, 160)}": expected letters, digits, ".", "_", "-" and "/"`,
    { detail: { field: "prefix" } },
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

/** A stored object. */
interface Item {
  /** Key below the prefix. */
  readonly key: string;
  readonly size: number;
  /** When it was written, in milliseconds by the server's clock. */
  readonly modified: number;
}

const maxTries = 6;
const answerMs = 60_000;

/** A bucket's objects below a prefix. */
class Bucket {
  readonly #client: AwsClient;
  readonly #root: string;
  readonly #prefix: string;
  readonly #kit: Kit;
  #clockMs = 0;

  constructor(settings: Settings, prefix: string, kit: Kit) {
    const variable = (name: string) => Deno.env.get(name) || undefined;
    const [accessKeyId, secretAccessKey] = [variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")];
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw kit.error("UNAUTHORIZED", `Cannot open bucket "${settings.bucket}": no credentials`, {
        detail: { host: new URL(settings.endpoint).host },
        hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      });
    }
    const sessionToken = variable("AWS_SESSION_TOKEN");
    const login = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    this.#client = new AwsClient({ ...login, service: "s3", region: settings.region, retries: 0 });
    this.#root = `${settings.endpoint.replace(/\/+$/, "")}/${settings.bucket}`;
    this.#prefix = prefix;
    this.#kit = kit;
  }

  /** How long ago a time of the server was, in milliseconds; its clock says seconds, so what is just over may seem to come. */
  age(time: number): number {
    return Math.max(0, Date.now() + this.#clockMs - time);
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
      const date = Date.parse(response.headers.get("date") ?? "");
      if (Number.isFinite(date)) this.#clockMs = date - Date.now();
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
      error: this.#kit.error("NETWORK_FAILED", `Cannot ${nameOf(ask)}: ${state}`, { cause: error, detail: { host } }),
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
      error: this.#kit.error(code, `Cannot ${nameOf(ask)}: ${state}`, { detail }),
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
    return this.#kit.error("CANCELED", "Cannot use the store: the operation was canceled");
  }

  /** All bytes of an object; undefined when there is none. */
  async read(key: string, signal?: AbortSignal): Promise<string | undefined> {
    const response = await this.send({ method: "GET", key, expect: [404] }, signal);
    const text = await response.text();
    if (response.status === 404 && tag(text, "Code") === "NoSuchBucket") {
      throw this.#kit.error("NOT_FOUND", `Cannot open bucket "${this.#root}": it does not exist`, {
        detail: { kind: "bucket", name: this.#root },
      });
    }
    return response.status === 404 ? undefined : text;
  }

  async write(key: string, body: Bytes | string, signal?: AbortSignal): Promise<void> {
    await drop(await this.send({ method: "PUT", key, body }, signal));
  }

  /** Writes an object where none is; false when there is one. */
  async create(key: string, body: string): Promise<boolean> {
    const ask: Ask = { method: "PUT", key, body, headers: { "if-none-match": "*" }, expect: [412] };
    const response = await this.send(ask);
    await drop(response);
    return response.status !== 412;
  }

  async size(key: string, signal?: AbortSignal): Promise<number | undefined> {
    const response = await this.send({ method: "HEAD", key, expect: [404] }, signal);
    await drop(response);
    return response.status === 404 ? undefined : Number(response.headers.get("content-length"));
  }

  async remove(keys: readonly string[]): Promise<void> {
    await inParallel(8, keys, async (key) => await drop(await this.send({ method: "DELETE", key, expect: [404] })));
  }

  /** Objects whose key starts with a text, in order, behind a key. */
  async *list(start: string, after?: string, signal?: AbortSignal): AsyncGenerator<Item> {
    let token: string | undefined;
    do {
      const text = await (await this.send({
        method: "GET",
        query: {
          "list-type": "2",
          prefix: this.#prefix + start,
          ...(token !== undefined
            ? { "continuation-token": token }
            : after === undefined
            ? {}
            : { "start-after": this.#prefix + after }),
        },
      }, signal)).text();
      for (const item of tags(text, "Contents")) {
        const key = (tag(item, "Key") ?? "").slice(this.#prefix.length);
        yield { key, size: Number(tag(item, "Size")), modified: Date.parse(tag(item, "LastModified") ?? "") };
      }
      token = tag(text, "IsTruncated") === "true" ? tag(text, "NextContinuationToken") : undefined;
    } while (token !== undefined);
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

  // Uploads in parts.

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

  /** Uploads under way of keys that start with a text. */
  async uploads(start: string, signal?: AbortSignal) {
    const query = { uploads: "", prefix: this.#prefix + start };
    const text = await (await this.send({ method: "GET", query }, signal)).text();
    return tags(text, "Upload").map((upload) => ({
      key: (tag(upload, "Key") ?? "").slice(this.#prefix.length),
      id: tag(upload, "UploadId") ?? "",
      started: Date.parse(tag(upload, "Initiated") ?? ""),
    }));
  }

  /** The first parts of an upload, in order and at most a thousand; none of one that is not there any more. */
  async parts(key: string, id: string, signal: AbortSignal) {
    const response = await this.send({ method: "GET", key, query: { uploadId: id }, expect: [404] }, signal);
    return tags(await response.text(), "Part").map((part) => ({
      number: Number(tag(part, "PartNumber")),
      size: Number(tag(part, "Size")),
      etag: tag(part, "ETag") ?? "",
      modified: Date.parse(tag(part, "LastModified") ?? ""),
    }));
  }
}

interface Failure {
  readonly error: Error;
  /** Whether it may be over at the next try. */
  readonly isPassing: boolean;
}

function nameOf({ method, key }: Ask): string {
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

async function inParallel<T>(count: number, items: readonly T[], work: (item: T, i: number) => Promise<void>) {
  let next = 0;
  const run = async () => {
    while (next < items.length) {
      const i = next++;
      await work(items[i] as T, i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, run));
}

// ---- The log ----

/** One change, as it is written. */
type Change =
  | readonly ["add", Digest, number, string]
  | readonly ["drop", Digest]
  | readonly ["trash", string]
  | readonly ["swept", readonly string[]]
  | readonly ["name", string, Descriptor]
  | readonly ["unname", string]
  | readonly ["pin", string, Digest]
  | readonly ["end", string]
  | readonly ["collect", string | null];

interface Entry {
  /** Tells an entry of this process from another one where the answer to its writing was lost. */
  readonly id: string;
  /** When it was made, in milliseconds since the epoch. */
  readonly at: number;
  readonly changes: readonly Change[];
}

interface StoredBlob {
  readonly size: number;
  readonly key: string;
  readonly at: number;
  /** Number of the entry that added it. */
  readonly added: number;
}

/** What all entries up to one amount to. */
class State {
  seq = 0;
  blobs = new Map<Digest, StoredBlob>();
  names = new Map<string, { readonly descriptor: Descriptor; readonly at: number }>();
  /** Blobs that leases protect. */
  pins = new Map<string, Set<Digest>>();
  /** Keys of objects that nothing refers to any more, and that are to be removed. */
  garbage = new Set<string>();
  /** Who collects. */
  collector: string | null = null;
  #sorted: readonly string[] | undefined;

  apply({ at, changes }: Entry): void {
    this.seq++;
    for (const change of changes) this.#applyOne(change, at);
  }

  #applyOne(change: Change, at: number): void {
    switch (change[0]) {
      case "add":
        return void this.blobs.set(change[1], { size: change[2], key: change[3], at, added: this.seq });
      case "drop": {
        const blob = this.blobs.get(change[1]);
        if (blob !== undefined) this.garbage.add(blob.key);
        return void this.blobs.delete(change[1]);
      }
      case "trash":
        return void this.garbage.add(change[1]);
      case "swept":
        return change[1].forEach((key) => this.garbage.delete(key));
      case "name":
        if (!this.names.has(change[1])) this.#sorted = undefined;
        return void this.names.set(change[1], { descriptor: change[2], at });
      case "unname":
        this.#sorted = undefined;
        return void this.names.delete(change[1]);
      case "pin": {
        const pinned = this.pins.get(change[1]) ?? new Set();
        this.pins.set(change[1], pinned.add(change[2]));
        return;
      }
      case "end":
        return void this.pins.delete(change[1]);
      case "collect":
        this.collector = change[1];
    }
  }

  /** Names in bytewise order. */
  get sorted(): readonly string[] {
    return this.#sorted ??= [...this.names.keys()].sort(compareBytewise);
  }

  write(): string {
    const { seq, blobs, names, garbage, collector } = this;
    const pins = [...this.pins].map(([id, digests]) => [id, [...digests]]);
    return JSON.stringify({ seq, blobs: [...blobs], names: [...names], pins, garbage: [...garbage], collector });
  }

  static read(text: string): State {
    const { seq, blobs, names, pins, garbage, collector } = JSON.parse(text);
    const state = new State();
    state.seq = seq;
    state.blobs = new Map(blobs);
    state.names = new Map(names);
    state.pins = new Map(pins.map(([id, digests]: [string, Digest[]]) => [id, new Set(digests)]));
    state.garbage = new Set(garbage);
    state.collector = collector;
    return state;
  }
}

/** UTF-16 sorts as UTF-8 does but for surrogates, which stand for what comes last. */
function compareBytewise(a: string, b: string): number {
  const weigh = (unit: number) => unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = weigh(a.charCodeAt(i)) - weigh(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** What is to change, decided on the newest state; called again when another process was faster. */
type Plan = (state: State) => readonly Change[];

interface Waiting {
  readonly plan: Plan;
  /** Whether no other change may go into the same entry, because it is decided on what those change. */
  readonly isAlone: boolean;
  readonly resolve: (state: State) => void;
  readonly reject: (error: unknown) => void;
}

function attempt(work: () => readonly Change[]): { changes: readonly Change[] } | { error: unknown } {
  try {
    return { changes: work() };
  } catch (error) {
    return { error };
  }
}

const snapshotEvery = 64;

/** Entries and states that another may need are kept so long. A process that knew nothing new for the half of it reads all anew. */
const keptMs = 24 * 3600_000;

class Log {
  readonly #bucket: Bucket;
  readonly #kit: Kit;
  #state = new State();
  #syncedAt = -Infinity;
  #snapshot = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #refresh: Promise<State> | undefined;
  #waiting: Waiting[] = [];

  constructor(bucket: Bucket, kit: Kit) {
    this.#bucket = bucket;
    this.#kit = kit;
  }

  /** The state as it was last seen. */
  get known(): State {
    return this.#state;
  }

  /** The state as it is, or was after this was called. */
  current(): Promise<State> {
    // What waits for its turn has not looked yet, so it serves all who ask meanwhile.
    return this.#refresh ??= this.#inTurn(async () => {
      this.#refresh = undefined;
      await this.#catchUp();
      return this.#state;
    });
  }

  /** Writes what a plan gives; gives the state with it. Rejects as the plan throws. */
  commit(plan: Plan, isAlone = false): Promise<State> {
    const { promise, resolve, reject } = Promise.withResolvers<State>();
    this.#waiting.push({ plan, isAlone, resolve, reject });
    if (this.#waiting.length === 1) void this.#inTurn(() => this.#writeWaiting());
    return promise;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const alone = this.#waiting.findIndex(({ isAlone }) => isAlone);
      const batch = this.#waiting.splice(0, alone < 0 ? this.#waiting.length : Math.max(alone, 1));
      try {
        await this.#write(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const id = crypto.randomUUID();
    let left = batch;
    // What comes to nothing on a state that is not the newest is tried on that.
    let isNewest = Date.now() - this.#syncedAt > keptMs / 2;
    if (isNewest) await this.#catchUp();
    while (left.length > 0) {
      const tried = left.map(({ plan }) => attempt(() => plan(this.#state)));
      const changes = tried.flatMap((result) => "changes" in result ? result.changes : []);
      const hasFailed = tried.some((result) => "error" in result);
      if (!isNewest && (hasFailed || changes.length === 0)) {
        await this.#catchUp();
        isNewest = true;
        continue;
      }
      for (const [i, result] of tried.entries()) if ("error" in result) left[i]?.reject(result.error);
      left = left.filter((_, i) => tried[i] !== undefined && "changes" in tried[i]);
      if (changes.length === 0 || await this.#append({ id, at: Date.now(), changes })) break;
      isNewest = true;
    }
    for (const { resolve } of left) resolve(this.#state);
    if (this.#state.seq - this.#snapshot >= snapshotEvery) await this.#writeSnapshot();
  }

  /** Writes the next entry; false when another process has written one, which is then part of the state. */
  async #append(entry: Entry): Promise<boolean> {
    const key = logKey(this.#state.seq + 1);
    if (await this.#bucket.create(key, JSON.stringify(entry))) {
      this.#state.apply(entry);
      this.#syncedAt = Date.now();
      return true;
    }
    const there = parseEntry(await this.#bucket.read(key), this.#kit);
    await this.#catchUp();
    return there?.id === entry.id;
  }

  async #catchUp(): Promise<void> {
    const now = Date.now();
    if (now - this.#syncedAt > keptMs / 2) await this.#load();
    else {
      const { seq } = this.#state;
      const next = parseEntry(await this.#bucket.read(logKey(seq + 1)), this.#kit);
      if (next !== undefined) {
        this.#state.apply(next);
        await this.#readOn();
      }
    }
    this.#syncedAt = now;
    if (this.#state.seq - this.#snapshot >= snapshotEvery) await this.#writeSnapshot();
  }

  async #load(): Promise<void> {
    const [last] = (await Array.fromAsync(this.#bucket.list("state/"))).slice(-1);
    const text = last === undefined ? undefined : await this.#bucket.read(last.key);
    this.#state = text === undefined ? new State() : State.read(text);
    this.#snapshot = this.#state.seq;
    await this.#readOn();
  }

  /** Reads the entries that are listed behind the state. */
  async #readOn(): Promise<void> {
    const items = await Array.fromAsync(this.#bucket.list("log/", logKey(this.#state.seq)));
    const entries: (Entry | undefined)[] = [];
    await inParallel(16, items, async ({ key }, i) => {
      entries[i] = parseEntry(await this.#bucket.read(key), this.#kit);
    });
    for (const [i, { key }] of items.entries()) {
      const entry = entries[i];
      if (key !== logKey(this.#state.seq + 1) || entry === undefined) {
        throw this.#kit.error(
          "REMOTE_FAILED",
          `Cannot read the store: entry ${this.#state.seq + 1} of its log is missing`,
          {
            hint: "Try again; if it stays, the bucket was damaged",
          },
        );
      }
      this.#state.apply(entry);
    }
  }

  async #writeSnapshot(): Promise<void> {
    const { seq } = this.#state;
    await this.#bucket.write(stateKey(seq), this.#state.write());
    this.#snapshot = seq;
  }

  /** Removes entries and states that nobody can need any more. */
  async compact(): Promise<void> {
    const isOld = ({ modified }: Item) => this.#bucket.age(modified) > keptMs;
    const states = await Array.fromAsync(this.#bucket.list("state/"));
    const base = states.findLast(isOld);
    if (base === undefined) return;
    const entries = await Array.fromAsync(this.#bucket.list("log/"));
    const gone = [
      ...states.filter(({ key }) => key < base.key),
      ...entries.filter((item) => isOld(item) && item.key <= base.key.replace("state/", "log/")),
    ];
    await this.#bucket.remove(gone.map(({ key }) => key));
  }
}

function logKey(seq: number): string {
  return `log/${String(seq).padStart(12, "0")}`;
}

function stateKey(seq: number): string {
  return `state/${String(seq).padStart(12, "0")}`;
}

function parseEntry(text: string | undefined, kit: Kit): Entry | undefined {
  if (text === undefined) return undefined;
  try {
    const { id, at, changes } = JSON.parse(text);
    if (typeof id === "string" && typeof at === "number" && Array.isArray(changes)) return { id, at, changes };
  } catch {
    // Told below.
  }
  throw kit.error("REMOTE_FAILED", "Cannot read the store: an entry of its log is none", {
    hint: "Choose a prefix that nothing else writes below",
  });
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

/** What was written. */
interface Written {
  readonly digest: Digest;
  readonly size: number;
  readonly key: string;
}

interface Source {
  readonly chunks: AsyncIterable<Bytes>;
  /** Where the object is to lie. */
  readonly key: (digest: Digest) => string;
  readonly algorithm: string;
  /** Size of each part, from 1 on. */
  readonly sizeOf: (number: number) => number;
  /** Checks what came, before there is an object of it. */
  readonly check: (digest: Digest, size: number) => void;
  /** Whether what was sent is of use to a later call when this one fails. */
  readonly canResume: boolean;
  /** An upload that is gone on with, and the ETags of its parts. */
  readonly left?: { readonly key: string; readonly id: string; readonly etags: readonly string[] } | undefined;
}

/** Writes blobs as objects, which nothing refers to yet. */
class Writer {
  readonly #bucket: Bucket;
  readonly #kit: Kit;
  readonly #settings: Settings;
  /** Uploads of this process that were cut, by id. */
  readonly #cut = new Set<string>();

  constructor(bucket: Bucket, settings: Settings, kit: Kit) {
    this.#bucket = bucket;
    this.#settings = settings;
    this.#kit = kit;
  }

  /** Writes bytes of an unknown digest. */
  async ingest(stream: ByteStream, call: Call): Promise<Written> {
    const part = this.#settings.partMiB * 1024 * 1024;
    return await this.#write({
      chunks: chunksOf(stream, this.#bucket, call),
      key: (digest) => `blobs/${digest.replace(":", "/")}/${crypto.randomUUID()}`,
      algorithm: "sha256",
      // S3 takes 10,000 parts.
      sizeOf: (number) => number <= 1000 ? part : part * 8,
      check: () => {},
      canResume: false,
    }, call);
  }

  /** Writes the bytes of a descriptor, going on with what an earlier call left behind. */
  async put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<Written> {
    const { digest, size } = descriptor;
    const partSize = Math.max(this.#settings.partMiB * 1024 * 1024, Math.ceil(size / 9000));
    const folder = `blobs/${digest.replace(":", "/")}/`;
    const check = (actual: Digest, length: number) => {
      if (length !== size || actual !== digest) throw this.#mismatch(descriptor, actual, length);
    };
    const source = (stream: ByteStream, offset: number): Source => ({
      chunks: bounded(chunksOf(stream, this.#bucket, call), size - offset, () => this.#mismatch(descriptor)),
      key: () => folder + crypto.randomUUID(),
      algorithm: digest.split(":")[0] ?? "",
      sizeOf: () => Math.min(partSize, Math.max(size, 1)),
      check,
      canResume: true,
    });
    if (size > partSize) {
      const resumed = await this.#resume({ descriptor, folder, partSize }, { open, source }, call);
      if (resumed !== undefined) return resumed;
    }
    return await this.#write(source(await open(), 0), call);
  }

  /** Goes on with an upload that was cut; undefined when there is none, or it was of no use. */
  async #resume(
    { descriptor, folder, partSize }: { descriptor: Descriptor; folder: string; partSize: number },
    { open, source }: { open: OpenContent; source: (stream: ByteStream, offset: number) => Source },
    call: Call,
  ): Promise<Written | undefined> {
    const { digest, size } = descriptor;
    const left = await this.#findCut(folder, partSize, call);
    if (left === undefined) return undefined;
    const offset = Math.min(left.etags.length, Math.ceil(size / partSize) - 1) * partSize;
    const stream = await open(offset).catch((error: unknown) => {
      if (Object(error).code === "UNSUPPORTED") return undefined;
      throw error;
    });
    if (stream === undefined) {
      await this.#bucket.dropUpload(left.key, left.id);
      return undefined;
    }
    // What was sent before is not here to be hashed, so the whole object is read once when it is there.
    const rest = {
      ...source(stream, offset),
      check: () => {},
      left: { ...left, etags: left.etags.slice(0, offset / partSize) },
    };
    const { key } = await this.#write(rest, call);
    const hash = createHash(digest.split(":")[0] ?? "");
    const written = await this.#bucket.stream(key, 0, call);
    if (written !== undefined) { for await (const chunk of written) hash.update(chunk); }
    if (`${digest.split(":")[0]}:${hash.digest("hex")}` === digest) return { digest, size, key };
    await this.#bucket.remove([key]);
    return undefined;
  }

  /** The upload of a folder that has most parts, and that no living process is at. */
  async #findCut(folder: string, partSize: number, call: Call) {
    let best: { readonly key: string; readonly id: string; readonly etags: readonly string[] } | undefined;
    for (const { key, id, started } of await this.#bucket.uploads(folder, call.signal)) {
      const parts = await this.#bucket.parts(key, id, call.signal);
      const last = Math.max(started, ...parts.map(({ modified }) => modified));
      if (!this.#cut.has(id) && this.#bucket.age(last) < this.#settings.idleSeconds * 1000) continue;
      const end = parts.findIndex(({ number, size }, i) => number !== i + 1 || size !== partSize);
      const etags = (end < 0 ? parts : parts.slice(0, end)).map(({ etag }) => etag);
      if (etags.length > (best?.etags.length ?? 0)) best = { key, id, etags };
    }
    return best;
  }

  async #write(source: Source, call: Call): Promise<Written> {
    const hash = createHash(source.algorithm);
    const pieces = piecesOf(source.chunks, source.sizeOf);
    const first = await pieces.next();
    let size = 0;
    const take = (piece: Bytes) => {
      hash.update(piece);
      size += piece.length;
      return piece;
    };
    const digestNow = (): Digest => `${source.algorithm}:${hash.digest("hex")}` as Digest;
    const head = take(first.done ? new Uint8Array() : first.value);
    const second = first.done ? first : await pieces.next();
    if (second.done && source.left === undefined) {
      const digest = digestNow();
      source.check(digest, size);
      const key = source.key(digest);
      await this.#bucket.write(key, head, call.signal);
      return { digest, size, key };
    }
    const key = source.left?.key ?? source.key("sha256:new" as Digest);
    const id = source.left?.id ?? await this.#bucket.startUpload(key, call.signal);
    const etags = [...source.left?.etags ?? []];
    const rest = async function* (): AsyncGenerator<Bytes> {
      yield head;
      if (!second.done) yield take(second.value);
      for await (const piece of pieces) yield take(piece);
    };
    let digest: Digest;
    try {
      await this.#sendParts(rest(), { key, id, etags }, call);
      digest = digestNow();
      source.check(digest, size);
    } catch (error) {
      await pieces.return(undefined);
      const isKept = source.canResume && etags.length > 0 && Object(error).code !== "CONTENT_MISMATCH";
      await this.#leave({ key, id, isKept });
      throw error;
    }
    this.#cut.delete(id);
    if (!await this.#bucket.finishUpload(key, id, etags)) throw this.#taken(key);
    return { digest, size, key };
  }

  async #sendParts(
    pieces: AsyncIterable<Bytes>,
    { key, id, etags }: { key: string; id: string; etags: string[] },
    call: Call,
  ): Promise<void> {
    const under = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    const send = async (at: number, body: Bytes) => {
      const etag = await this.#bucket.sendPart(key, { id, number: at + 1, body }, call.signal);
      if (etag === undefined) throw this.#taken(key);
      etags[at] = etag;
    };
    try {
      for await (const body of pieces) {
        const sending = send(etags.push("") - 1, body)
          .catch((error) => void (failure ??= { error }))
          .finally(() => under.delete(sending));
        under.add(sending);
        if (under.size >= 2) await Promise.race(under);
        if (failure !== undefined) break;
      }
    } finally {
      await Promise.all(under);
    }
    if (failure !== undefined) throw failure.error;
  }

  /** What was sent of an upload that failed is kept for the next call, or removed. */
  async #leave({ key, id, isKept }: { key: string; id: string; isKept: boolean }): Promise<void> {
    if (isKept) this.#cut.add(id);
    else await this.#bucket.dropUpload(key, id).catch(() => {});
  }

  #taken(key: string): Error {
    return this.#kit.error(
      "CONFLICT",
      `Cannot write "${key}" in the bucket: another process went on with it or removed it`,
      {
        hint: "Try again",
      },
    );
  }

  #mismatch({ digest, size }: Descriptor, actual?: Digest, length?: number): Error {
    const came = length === undefined ? `more than ${size}` : String(length);
    const state = length === size ? `its digest is ${actual}` : `${came} bytes came, expected ${size}`;
    return this.#kit.error("CONTENT_MISMATCH", `Cannot write blob "${digest}": ${state}`, {
      detail: length === size ? { expected: digest, actual } : { expected: size, actual: length ?? size + 1 },
    });
  }
}

/** The same chunks; fails when there are more bytes. */
async function* bounded(chunks: AsyncIterable<Bytes>, size: number, fail: () => Error): AsyncGenerator<Bytes> {
  let left = size;
  for await (const chunk of chunks) {
    left -= chunk.length;
    if (left < 0) throw fail();
    yield chunk;
  }
}

// ---- The store ----

/** The leases of this process, which are one in the bucket. */
interface Session {
  readonly id: string;
  /** What it is known to protect. */
  readonly pinned: Set<Digest>;
  /** Resolves when its sign of life is there. */
  readonly started: Promise<void>;
  readonly stop: () => void;
}

class S3Store implements Store {
  readonly #bucket: Bucket;
  readonly #log: Log;
  readonly #writer: Writer;
  readonly #settings: Settings;
  readonly #kit: Kit;
  #session: Session | undefined;
  #leases = 0;
  #isClosed = false;

  constructor(settings: Settings, prefix: string, kit: Kit) {
    this.#kit = kit;
    this.#settings = settings;
    this.#bucket = new Bucket(settings, prefix, kit);
    this.#log = new Log(this.#bucket, kit);
    this.#writer = new Writer(this.#bucket, settings, kit);
  }

  async *names(prefix: string, call: Call): AsyncGenerator<Named> {
    this.#check(call);
    const { sorted, names } = await this.#log.current();
    for (const name of sorted) {
      const found = name.startsWith(prefix) ? names.get(name) : undefined;
      if (found !== undefined) yield { name, descriptor: found.descriptor, updatedAt: new Date(found.at) };
    }
  }

  async resolve(name: string, call: Call): Promise<Descriptor | undefined> {
    this.#check(call);
    return (await this.#log.current()).names.get(name)?.descriptor;
  }

  async open({ digest }: Descriptor, call: Call, offset = 0): Promise<ByteStream> {
    this.#check(call);
    const blob = await this.#find(digest);
    if (blob === undefined) throw this.#absent(digest);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > blob.size) {
      throw this.#kit.error(
        "INVALID_ARGUMENT",
        `Cannot open blob "${digest}" at ${offset}: it has ${blob.size} bytes`,
        {
          detail: { field: "offset", value: offset },
        },
      );
    }
    if (offset === blob.size) return new Blob([]).stream();
    const stream = await this.#bucket.stream(blob.key, offset, call);
    if (stream !== undefined) return stream;
    await this.#forget(digest, blob.key);
    throw this.#absent(digest);
  }

  async has({ digest, size }: Descriptor, call: Call): Promise<boolean> {
    this.#check(call);
    return isStored(digest) && (await this.#find(digest, true))?.size === size;
  }

  async put(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    this.#check(call);
    const { digest, size } = descriptor;
    if (!isStored(digest) || !Number.isSafeInteger(size) || size < 0) {
      throw this.#kit.error(
        "INVALID_ARGUMENT",
        `Cannot write blob "${digest.slice(0, 160)}": expected a digest and a size`,
        {
          detail: { field: "digest", value: digest.slice(0, 160) },
        },
      );
    }
    if (await this.has(descriptor, call)) return;
    await this.#land(await this.#writer.put(descriptor, open, call));
  }

  async ingest(content: ByteStream, mediaType: string, call: Call): Promise<Descriptor> {
    const written = await this.#writer.ingest(content, call);
    await this.#land(written);
    return { mediaType, digest: written.digest, size: written.size };
  }

  localPath(): undefined {
    return undefined;
  }

  async *blobs(call: Call): AsyncGenerator<BlobInfo> {
    this.#check(call);
    for (const [digest, blob] of (await this.#log.current()).blobs) yield infoOf(digest, blob);
  }

  async delete(digest: Digest, call: Call): Promise<boolean> {
    this.#check(call);
    let key: string | undefined;
    await this.#log.commit((state) => {
      key = state.blobs.get(digest)?.key;
      return key === undefined ? [] : [["drop", digest]];
    }, true);
    if (key === undefined) return false;
    const keys = [key];
    await this.#bucket.remove(keys);
    await this.#log.commit(() => [["swept", keys]]);
    return true;
  }

  tag(descriptor: Descriptor, name: string, call: Call): Promise<void> {
    return this.update([{ name, descriptor }], call);
  }

  async untag(name: string, call: Call): Promise<boolean> {
    this.#check(call);
    let wasThere = false;
    await this.#log.commit((state) => {
      wasThere = state.names.has(name);
      return wasThere ? [["unname", name]] : [];
    });
    return wasThere;
  }

  async update(changes: readonly NameChange[], call: Call): Promise<void> {
    this.#check(call);
    const bad = changes.find(({ name, descriptor }) => descriptor !== undefined && !/^[^\0]{1,4096}$/u.test(name))
      ?.name;
    if (bad !== undefined) {
      const shown = JSON.stringify(bad.slice(0, 160));
      throw this.#kit.error("INVALID_ARGUMENT", `Cannot use name ${shown}: expected 1 to 4096 characters without NUL`, {
        detail: { field: "name" },
      });
    }
    await this.#log.commit((state) => {
      this.#checkSession(state);
      return changes.flatMap(({ name, descriptor }): Change[] => {
        if (descriptor === undefined) return state.names.has(name) ? [["unname", name]] : [];
        if (state.blobs.get(descriptor.digest)?.size === descriptor.size) return [["name", name, descriptor]];
        throw this.#kit.error("NOT_FOUND", `Cannot name blob "${descriptor.digest}": it is not in the store`, {
          detail: { kind: "blob", name: descriptor.digest, target: name },
        });
      });
    });
  }

  async revision(call: Call): Promise<string> {
    this.#check(call);
    return String((await this.#log.current()).seq);
  }

  async lease(call: Call): Promise<AsyncDisposable> {
    this.#check(call);
    this.#leases++;
    this.#session ??= { ...this.#startLife(), pinned: new Set() };
    let isHeld = true;
    const end = async () => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.#leases === 0) await this.#endSession();
    };
    try {
      await this.#session.started;
    } catch (error) {
      await end();
      throw error;
    }
    return { [Symbol.asyncDispose]: end };
  }

  async *collect(mark: () => Promise<ReadonlySet<Digest>>, call: Call): AsyncGenerator<BlobInfo> {
    this.#check(call);
    const life = this.#startLife();
    try {
      await life.started;
      const horizon = await this.#startCollecting(life.id);
      const living = await this.#living();
      const dead = [...this.#log.known.pins.keys()].filter((id) => !living.has(id));
      const marked = await mark();
      this.#check(call);
      yield* this.#removeBlobs(await this.#condemn({ id: life.id, horizon, dead, marked }), call);
      await this.#sweep(call);
    } finally {
      await this.#log.commit(({ collector }) => collector === life.id ? [["collect", null]] : []);
      await this.#endLife(life);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leases = 0;
    await this.#endSession();
  }

  #check({ signal }: Call): void {
    if (signal.aborted) throw this.#bucket.canceled();
  }

  #absent(digest: Digest): Error {
    return this.#kit.error("NOT_FOUND", `Cannot open blob "${digest}": it is not in the store`, {
      detail: { kind: "blob", name: digest },
    });
  }

  /**
   * A blob that is present. Under a lease it is protected from then on. With `isLooked` its object is looked at, the first time under a
   * lease, so that one that was lost is written again.
   */
  async #find(digest: Digest, isLooked = false): Promise<StoredBlob | undefined> {
    const session = this.#session;
    if (session?.pinned.has(digest)) {
      this.#checkSession(this.#log.known);
      return this.#log.known.blobs.get(digest);
    }
    const known = session === undefined ? undefined : this.#log.known.blobs.get(digest);
    const blob = known ?? (await this.#log.current()).blobs.get(digest);
    if (blob === undefined || session === undefined) return blob;
    const size = isLooked ? this.#bucket.size(blob.key) : Promise.resolve(blob.size);
    const pinned = await this.#pin(session, digest);
    if (await size === blob.size || pinned?.key !== blob.key) return pinned;
    await this.#forget(digest, blob.key);
    return undefined;
  }

  async #pin(session: Session, digest: Digest): Promise<StoredBlob | undefined> {
    let blob: StoredBlob | undefined;
    await this.#log.commit((state) => {
      this.#checkSession(state);
      blob = state.blobs.get(digest);
      return blob === undefined ? [] : [["pin", session.id, digest]];
    });
    if (blob !== undefined) session.pinned.add(digest);
    return blob;
  }

  /** Drops a blob whose object is not there any more. */
  async #forget(digest: Digest, key: string): Promise<void> {
    await this.#log.commit((state) => state.blobs.get(digest)?.key === key ? [["drop", digest]] : [], true);
    this.#session?.pinned.delete(digest);
  }

  /** Notes a written object as the blob, unless there is one by now; protects it under a lease. */
  async #land({ digest, size, key }: Written): Promise<void> {
    const session = this.#session;
    let isOurs = false;
    await this.#log.commit((state) => {
      this.#checkSession(state);
      if (state.garbage.has(key)) {
        throw this.#kit.error("CONFLICT", `Cannot write blob "${digest}": a collection took it for abandoned`, {
          hint: "Try again; set abandonedSeconds higher if writing takes that long",
        });
      }
      isOurs = state.blobs.get(digest)?.size !== size;
      return [
        ...(isOurs ? [["add", digest, size, key] as const] : []),
        ...(session === undefined ? [] : [["pin", session.id, digest] as const]),
      ];
    });
    session?.pinned.add(digest);
    // Of two that are written in one entry the later one counts.
    if (!isOurs || this.#log.known.blobs.get(digest)?.key !== key) await this.#bucket.remove([key]);
  }

  /** Throws `CONFLICT` when this process was taken for dead, so that what it had found present may be gone. */
  #checkSession({ pins }: State): void {
    const session = this.#session;
    if (session === undefined || session.pinned.size === 0 || pins.has(session.id)) return;
    throw this.#kit.error(
      "CONFLICT",
      "Cannot go on with the store: its lease ended, as nothing was heard of this process",
      {
        hint: "Try again",
      },
    );
  }

  /** Writes a sign of life, again and again until it is stopped. */
  #startLife(): Pick<Session, "id" | "started" | "stop"> {
    const id = crypto.randomUUID();
    const write = () => this.#bucket.write(`leases/${id}`, "");
    // One that fails is made up for by the next.
    const timer = setInterval(() => void write().catch(() => {}), this.#settings.leaseSeconds * 200);
    return { id, started: write(), stop: () => clearInterval(timer) };
  }

  async #endLife({ id, stop }: Pick<Session, "id" | "stop">): Promise<void> {
    stop();
    await this.#bucket.remove([`leases/${id}`]);
  }

  async #endSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    await this.#log.commit(({ pins }) => pins.has(session.id) ? [["end", session.id]] : []);
    await this.#endLife(session);
  }

  /** Ids of the leases and collections that have given a sign of life. */
  async #living(): Promise<ReadonlySet<string>> {
    const living = new Set<string>();
    for await (const { key, modified } of this.#bucket.list("leases/")) {
      if (this.#bucket.age(modified) <= this.#settings.leaseSeconds * 1000) living.add(key.slice("leases/".length));
    }
    return living;
  }

  /** Takes the lock of collections; gives the number of the entry up to which blobs may be removed. */
  async #startCollecting(id: string): Promise<number> {
    for (let dead: string | null = null;;) {
      let other: string | null = null;
      const state = await this.#log.commit(({ collector }) => {
        other = collector === dead ? null : collector;
        return other === null ? [["collect", id]] : [];
      }, true);
      if (other === null) return state.seq;
      if ((await this.#living()).has(other)) {
        throw this.#kit.error("CONFLICT", "Cannot collect blobs: another process is collecting", {
          detail: { kind: "store", name: this.#settings.bucket },
          hint: "Wait until the other process is done, and try again",
        });
      }
      dead = other;
    }
  }

  /** Drops what is neither marked nor protected, in one entry. */
  async #condemn(
    { id, horizon, dead, marked }: {
      readonly id: string;
      readonly horizon: number;
      readonly dead: readonly string[];
      readonly marked: ReadonlySet<Digest>;
    },
  ): Promise<readonly (readonly [Digest, StoredBlob])[]> {
    let doomed: (readonly [Digest, StoredBlob])[] = [];
    await this.#log.commit((state) => {
      if (state.collector !== id) {
        throw this.#kit.error(
          "CONFLICT",
          "Cannot collect blobs: nothing was heard of this process, so another one collects",
        );
      }
      const held = new Set(marked);
      for (const [lease, digests] of state.pins) {
        if (!dead.includes(lease)) { for (const digest of digests) held.add(digest); }
      }
      doomed = [...state.blobs].filter(([digest, { added }]) => added <= horizon && !held.has(digest));
      const ended = dead.filter((lease) => state.pins.has(lease));
      return [
        ...ended.map((lease) => ["end", lease] as const),
        ...doomed.map(([digest]) => ["drop", digest] as const),
      ];
    }, true);
    return doomed;
  }

  /** Removes the objects of dropped blobs, and those that an earlier collection left. */
  async *#removeBlobs(doomed: readonly (readonly [Digest, StoredBlob])[], call: Call): AsyncGenerator<BlobInfo> {
    const removed: string[] = [];
    const remove = async (keys: readonly string[]) => {
      await this.#bucket.remove(keys);
      removed.push(...keys);
    };
    try {
      for (let at = 0; at < doomed.length; at += 100) {
        const batch = doomed.slice(at, at + 100);
        await remove(batch.map(([, { key }]) => key));
        for (const [digest, blob] of batch) yield infoOf(digest, blob);
        this.#check(call);
      }
      const gone = new Set(removed);
      await remove([...this.#log.known.garbage].filter((key) => !gone.has(key)));
    } finally {
      if (removed.length > 0) await this.#log.commit(() => [["swept", removed]]);
    }
  }

  /** Removes what killed processes left, and forgets blobs whose objects are lost. */
  async #sweep(call: Call): Promise<void> {
    const { seq } = await this.#log.current();
    const isOld = (time: number) => this.#bucket.age(time) >= this.#settings.abandonedSeconds * 1000;
    const found = new Set<string>();
    const old: string[] = [];
    for await (const { key, modified } of this.#bucket.list("blobs/", undefined, call.signal)) {
      found.add(key);
      if (isOld(modified)) old.push(key);
    }
    await this.#log.current();
    let orphans: string[] = [];
    await this.#log.commit((state) => {
      const used = new Set([...state.blobs.values()].map(({ key }) => key));
      orphans = old.filter((key) => !used.has(key));
      const lost = [...state.blobs].filter(([, { key, added }]) => added <= seq && !found.has(key));
      return [
        ...orphans.map((key) => ["trash", key] as const),
        ...lost.map(([digest]) => ["drop", digest] as const),
      ];
    }, true);
    await this.#bucket.remove(orphans);
    if (orphans.length > 0) await this.#log.commit(() => [["swept", orphans]]);
    for (const { key, id, started } of await this.#bucket.uploads("blobs/", call.signal)) {
      if (isOld(started)) await this.#bucket.dropUpload(key, id);
    }
    const living = await this.#living();
    for await (const { key, modified } of this.#bucket.list("leases/")) {
      const isDead = !living.has(key.slice("leases/".length)) && this.#bucket.age(modified) > 3600_000;
      if (isDead) await this.#bucket.remove([key]);
    }
    await this.#log.compact();
  }
}

function infoOf(digest: Digest, { size, at }: StoredBlob): BlobInfo {
  return { digest, size, createdAt: new Date(at) };
}

function isStored(digest: string): boolean {
  return /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(digest);
}

const plugin: PluginFactory = ({ kit, config }) => {
  const settings = readSettings(config, kit);
  return {
    name: "store-s3",
    api: 1,
    store: [{
      driver: "s3",
      async open(location, call) {
        if (call.signal.aborted) throw kit.error("CANCELED", "Cannot open the store: the operation was canceled");
        // Strata's own folder, an absolute path, says nothing about a bucket; anything else is a place below the prefix.
        const isFolder = /^(?:[\\/]|[A-Za-z]:)/.test(location);
        const prefix = cleanPrefix(`${settings.prefix}/${isFolder ? "" : location}`, kit);
        return await Promise.resolve(new S3Store(settings, prefix, kit));
      },
    }],
  };
};
export default plugin;
