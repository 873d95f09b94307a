import type { ByteStream } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { ImageFetcher } from "./image_fetcher.ts";
import type { RegistryEngine } from "./registry.ts";

/** Base images in registries, of which a build takes no more than it needs. */
export interface RemoteLayers extends ImageFetcher {
  /** The store, which fetches a layer of such an image when it is opened. */
  readonly store: Store;
}

/** Opens base images of a build. What fetches is loaded when there is something to fetch. */
export function openRemoteLayers(engine: RegistryEngine): RemoteLayers {
  let opening: Promise<ImageFetcher> | undefined;
  let opened: ImageFetcher | undefined;
  const fetcher = (): Promise<ImageFetcher> =>
    opening ??= import("./image_fetcher.ts").then(({ openImageFetcher }) => opened = openImageFetcher(engine));
  const { store } = engine;
  return {
    store: {
      ...store,
      async open(descriptor, call, offset): Promise<ByteStream> {
        await opened?.obtain([descriptor], call);
        return await store.open(descriptor, call, offset);
      },
    },
    find: async (query, call) => await (await fetcher()).find(query, call),
    obtain: async (layers, call) => await opened?.obtain(layers, call),
    origins: () => opened?.origins() ?? new Map(),
    [Symbol.asyncDispose]: async () => await (await opening)?.[Symbol.asyncDispose](),
  };
}
