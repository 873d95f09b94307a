import type { Store } from "../contract/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { detectCompression } from "../stream/compression.ts";
import { type ReadAt, sizeInGzip, sizeInZstd } from "../stream/packed_size.ts";

/** Most times as many bytes as a compressed layer has that it is believed to unpack to: deflate reaches 1032 (RFC 1951). */
const maxRatio = 1032;

/**
 * Bytes that a layer says it unpacks to, found by looking at a few bytes of it: nobody has checked that it does, so this is for show
 * alone. Never less than it has compressed, nor more than 1032 times as many; what does not say it, and what the store does not keep in a
 * file, counts as it is.
 */
export function unpackedSize(store: Pick<Store, "localPath">, { digest, size }: Descriptor): number {
  const path = store.localPath(digest);
  const said = path === undefined ? undefined : readSize(path, size);
  return Math.min(Math.max(said ?? size, size), size * maxRatio);
}

function readSize(path: string, size: number): number | undefined {
  try {
    using file = Deno.openSync(path);
    const readAt: ReadAt = (offset, length) => {
      const bytes = new Uint8Array(length);
      file.seekSync(offset, Deno.SeekMode.Start);
      return bytes.subarray(0, file.readSync(bytes) ?? 0);
    };
    switch (detectCompression(readAt(0, 10))) {
      case "gzip":
        return sizeInGzip(readAt, size);
      case "zstd":
        return sizeInZstd(readAt, size);
      default:
        return undefined;
    }
  } catch (error) {
    // That a layer is gone or cannot be read is told by whoever needs it.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
