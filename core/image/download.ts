import { createScratch } from "../build/scratch.ts";
import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerContext } from "../contract/layer.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { MediaType } from "../oci/media_type.ts";
import { hostPlatform } from "../oci/platform.ts";
import { streamOf } from "../stream/byte_stream.ts";

/**
 * Bytes of a file at an `http(s)` URL, downloaded by the plugin that builds `fetch` operations, so that there is one place
 * that speaks HTTP. Rejects as that plugin does.
 */
export async function download(engine: Engine, url: string, call: Call): Promise<ByteStream> {
  const hook = await engine.host.layer("fetch");
  const op = { kind: "fetch", args: { url, checksum: null, name: "download" } };
  const context: LayerContext = {
    ...call,
    platform: hostPlatform(),
    sourceDateEpoch: undefined,
    inputs: [],
    run: () => {
      throw new EngineError("INTERNAL", `Cannot download "${url}": a download runs nothing`);
    },
    scratch: createScratch(engine.store, op.kind, call),
  };
  await hook.contentKey(op, context);
  for await (const entry of hook.build(op, context)) {
    if (entry.type !== "file") continue;
    const bytes = entry.content instanceof Uint8Array ? streamOf(entry.content) : await entry.content();
    const descriptor = await engine.store.ingest(bytes, MediaType.octetStream, call);
    return await engine.store.open(descriptor, call);
  }
  throw new EngineError("PLUGIN_FAILED", `Cannot download "${url}": the plugin gave no file`, {
    detail: { hook: "layer" },
  });
}
