/**
 * Layers that hold one downloaded file: operation `fetch` (ADD of an address).
 *
 * @module
 */
import type { BuildOp, Descriptor, Digest, LayerContext, LayerEntry, LayerHook } from "../../core/contract/mod.ts";
import type { Plugin, PluginHost } from "../../core/contract/mod.ts";
import { type FetchArgs, readFetchArgs, showUrl } from "./args.ts";
import { download, type Downloaded, type DownloadEnvironment } from "./download.ts";
import { type FetchLimits, readLimits } from "./limits.ts";
import { digestLike } from "./verify.ts";

/** Permission bits of a downloaded file, as in BuildKit. */
const fileMode = 0o600;
const timeKey = "strata.fetch.modified-at";

/**
 * The plugin. Its config may hold `maxBytes` of a download (16 GiB), `idleTimeoutMs` without a byte (60 000) and
 * `retryDelayMs` before the first of two more tries (250). Throws `INVALID_ARGUMENT` on any other config.
 */
export default function layerFetch(host: PluginHost): Plugin {
  return { name: "layer-fetch", api: 1, layer: [new FetchHook(host, readLimits(host))] };
}

class FetchHook implements LayerHook {
  readonly kinds: readonly string[] = ["fetch"];
  readonly #kit: PluginHost["kit"];
  readonly #limits: FetchLimits;
  /** What `contentKey` found for an operation, so that `build` of the same step asks the server no second time. */
  readonly #found = new WeakMap<BuildOp, Downloaded>();

  constructor({ kit }: PluginHost, limits: FetchLimits) {
    this.#kit = kit;
    this.#limits = limits;
  }

  async contentKey(op: BuildOp, context: LayerContext): Promise<Digest> {
    const environment = this.#environment(context);
    const args = readFetchArgs(op, this.#kit);
    // The checksum says what the content is, so an unchanged build needs no network.
    if (args.checksum !== undefined) return await this.#kit.sha256(args.checksum);
    const found = await download(args, environment);
    this.#found.set(op, found);
    return await this.#kit.sha256(found.content.digest);
  }

  async *build(op: BuildOp, context: LayerContext): AsyncGenerator<LayerEntry> {
    const environment = this.#environment(context);
    const args = readFetchArgs(op, this.#kit);
    const found = this.#found.get(op) ?? await this.#obtain(args, environment);
    this.#found.delete(op);
    const mtime = found.modifiedAt ?? context.sourceDateEpoch ?? 0;
    const { size } = found.content;
    const content = context.scratch.open(found.content);
    yield { type: "file", path: args.name, mode: fileMode, uid: 0, gid: 0, mtime, size, content };
  }

  #environment(context: LayerContext): DownloadEnvironment {
    if (context.signal.aborted) {
      throw this.#kit.error("CANCELED", "Cannot download: the build was canceled", { cause: context.signal.reason });
    }
    return { kit: this.#kit, context, limits: this.#limits };
  }

  /** What an earlier build downloaded and checked, else the file, checked before anything uses it. */
  async #obtain(args: FetchArgs, environment: DownloadEnvironment): Promise<Downloaded> {
    const { scratch } = environment.context;
    const { checksum } = args;
    if (checksum === undefined) return await download(args, environment);
    const key = `checksum:${checksum} ${await this.#kit.sha256(args.url.href)}`;
    const known = await scratch.recall(key);
    if (known !== undefined) {
      const time = known.annotations?.[timeKey];
      return { content: known, modifiedAt: time === undefined ? undefined : Number(time) };
    }
    const found = await download(args, environment);
    await this.#verify(found.content, args, environment);
    const time = found.modifiedAt === undefined ? {} : { annotations: { [timeKey]: `${found.modifiedAt}` } };
    const { mediaType, digest, size } = found.content;
    await scratch.remember(key, { mediaType, digest, size, ...time });
    return found;
  }

  async #verify(content: Descriptor, { url, checksum }: FetchArgs, { context }: DownloadEnvironment): Promise<void> {
    if (checksum === undefined) return;
    const isStored = content.digest.split(":")[0] === checksum.split(":")[0];
    const actual = isStored ? content.digest : await digestLike(checksum, await context.scratch.open(content)());
    if (actual === checksum) return;
    const message = `Cannot use "${showUrl(url)}": its digest is "${actual}", expected "${checksum}"`;
    throw this.#kit.error("CONTENT_MISMATCH", message, {
      detail: { expected: checksum, actual },
      hint: "Check that the file is the one you want, then correct --checksum",
    });
  }
}
