import type { ImageContent } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { StoredImage } from "./stored_image.ts";

/** An image that is looked at, in the store or elsewhere. */
export interface SeenImage extends Pick<StoredImage, "id" | "descriptor" | "names" | "targets" | "taggedAt"> {
  /** Where its documents are. */
  readonly source: Pick<Store, "open" | "has">;
  /** Bytes of one platform's layers, base first: of their files in the store, of the layers as they are elsewhere. */
  sizes(content: ImageContent, call: Call): Promise<readonly number[]>;
  /** Bytes of one platform's layers together. */
  size(content: ImageContent, call: Call): Promise<number>;
}

/** Images that a text stands for, open as long as they are not disposed. */
export interface SeenImages extends AsyncDisposable {
  /** At least one; several only for an archive or a directory that holds several. */
  readonly images: readonly SeenImage[];
}
