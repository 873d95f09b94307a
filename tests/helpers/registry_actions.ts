import type { Call, Descriptor, OpenContent, TransportHook } from "../../core/contract/mod.ts";
import { verifiedSource } from "../../core/store/verified.ts";
import { collect } from "../../core/stream/collect.ts";
import { quietCall, type TestBlob, type TestImage } from "./registry_fixture.ts";
import type { RegistryServer } from "./registry_server.ts";

/** Opens test content as often as it is asked for. */
export function openerOf({ bytes }: TestBlob): OpenContent {
  return (offset = 0) => Promise.resolve(new Blob([bytes.slice(offset)]).stream());
}

/** Puts an image into a repository, under tags where any are given. */
export async function pushImage(
  hook: TransportHook,
  to: {
    readonly address: string;
    readonly image: Pick<TestImage, "blobs" | "manifest">;
    readonly tags?: readonly string[];
  },
  call: Call = quietCall,
): Promise<void> {
  await using sink = await hook.sink(to.address, call);
  for (const blob of to.image.blobs) await sink.put(blob.descriptor, openerOf(blob), call);
  for (const tag of to.tags ?? []) await sink.tag(to.image.manifest.descriptor, tag, call);
  await sink.commit(call);
}

/** Pushes one blob. */
export async function pushBlob(
  hook: TransportHook,
  address: string,
  blob: TestBlob,
  call: Call = quietCall,
): Promise<void> {
  await using sink = await hook.sink(address, call);
  await sink.put(blob.descriptor, openerOf(blob), call);
}

/** What a tag or digest of a repository points at. */
export async function resolveName(
  hook: TransportHook,
  address: string,
  name: string,
  call: Call = quietCall,
): Promise<Descriptor | undefined> {
  await using source = await hook.source(address, call);
  return await source.resolve(name, call);
}

/** Bytes of a repository's content, checked as core checks them. */
export async function readContent(
  hook: TransportHook,
  from: { readonly address: string; readonly descriptor: Descriptor; readonly offset?: number },
  call: Call = quietCall,
): Promise<Uint8Array<ArrayBuffer>> {
  await using source = await hook.source(from.address, call);
  return await collect(await verifiedSource(source).open(from.descriptor, call, from.offset), 1e9);
}

export { failureOf } from "./failure_of.ts";

/** Puts an image into a server without asking it. */
export async function seedImage(
  server: RegistryServer,
  repository: string,
  image: TestImage,
  tag?: string,
): Promise<void> {
  for (const { bytes } of [image.layer, image.config]) await server.content.addBlob(repository, bytes);
  const { descriptor: { mediaType }, bytes } = image.manifest;
  await server.content.addManifest(repository, { mediaType, bytes }, tag);
}
