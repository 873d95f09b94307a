import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { readArchive } from "../tar/read_archive.ts";
import { readMark } from "./whiteout.ts";

/**
 * The changes that a layer makes, in the order of its tar, whatever its compression. Names of the form `.wh.…` come as
 * whiteout and opaque entries and never as files. Contents are as {@linkcode readArchive} gives them, and so are its errors.
 */
export async function* unpackLayer(stream: ByteStream, call: Call): AsyncGenerator<LayerEntry, void, undefined> {
  for await (const entry of readArchive(stream, call)) {
    const mark = readMark(entry.path);
    if (mark === undefined) yield entry;
    else if (mark !== "skip") yield mark;
  }
}
