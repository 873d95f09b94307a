import type { Call } from "../contract/call.ts";
import type { TransportSource } from "../contract/transport.ts";
import { pickManifest } from "../build/base_image.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { isDigest } from "../oci/digest.ts";
import { parseReference } from "../oci/reference.ts";
import { expandAlias } from "./alias_name.ts";
import type { NamedContext } from "./build_input.ts";
import type { BuildEngine } from "./build_reads.ts";
import type { RemoteLayers } from "./remote_layers.ts";
import { findImage } from "./resolve_image.ts";

/** An image that a build file or a named context asks for. */
export interface BaseQuery {
  /** Reference, ID, prefix of an ID, digest or alias. */
  readonly reference: string;
  readonly platform: Platform;
  /** Whether the registry must be asked even when the image is present. */
  readonly pull: boolean;
}

/**
 * The manifest of what `FROM` names: of the image in the store, else of that in its registry, whose layers are fetched when they are
 * needed. Rejects `NOT_FOUND` when there is none, `INVALID_ARGUMENT` for what names no image, and as the transport does.
 */
export async function findBase(
  engine: BuildEngine,
  { remote, ...query }: BaseQuery & { readonly remote: RemoteLayers },
  call: Call,
): Promise<Descriptor> {
  const { reference: name, platform, pull } = query;
  const { config, store } = engine;
  const text = expandAlias(config.aliases, name);
  const found = await findImage(engine, text, call);
  if (found !== undefined) engine.reads?.base(found.matched, found.descriptor);
  if (found !== undefined && !(pull && found.matched !== undefined)) {
    const manifest = await pickManifest(store, { descriptor: found.descriptor, name, platform }, call);
    if (found.matched === undefined || await store.has(manifest, call)) return manifest;
  }
  engine.reads?.remote();
  const { host, repository, tag, digest } = parseReference(text);
  const reference = digest === undefined ? { host, repository, tag: tag ?? "latest" } : { host, repository, digest };
  return await remote.find({ reference, name, platform }, call);
}

/**
 * Copies one platform's image of an OCI layout folder into the store, under no name; gives its manifest. Rejects
 * `NOT_FOUND` when the layout has no such image.
 */
export async function importLayout(
  engine: Engine,
  query: { readonly context: Extract<NamedContext, { type: "oci-layout" }>; readonly platform: Platform },
  call: Call,
): Promise<Descriptor> {
  const { context, platform } = query;
  const hook = await engine.host.transport("oci");
  await using source = await hook.source(context.path, call);
  const descriptor = await findInLayout(source, context, call);
  const name = context.reference ?? context.path;
  const root = await pickManifest(source, { descriptor, name, platform }, call);
  const { copyGraph } = await import("./copy_graph.ts");
  await copyGraph({ from: source, to: engine.store, root, platforms: [] }, call);
  return root;
}

async function findInLayout(
  source: TransportSource,
  context: Extract<NamedContext, { type: "oci-layout" }>,
  call: Call,
): Promise<Descriptor> {
  const { path, reference } = context;
  const all = await Array.fromAsync(source.names("", call));
  const found = all.filter(({ name, descriptor }) =>
    reference === undefined || descriptor.digest === reference || name === reference || tagOf(name) === reference
  );
  const digests = new Set(found.map(({ descriptor }) => descriptor.digest));
  const [first] = found;
  if (first !== undefined && digests.size === 1) return first.descriptor;
  const wanted = reference === undefined ? path : isDigest(reference) ? `${path}@${reference}` : `${path}:${reference}`;
  const state = first === undefined ? "not found" : "it has several images";
  throw new EngineError("NOT_FOUND", `Cannot use image layout "${wanted}": ${state}`, {
    detail: { kind: "image", name: wanted, known: all.map(({ name }) => name).slice(0, 20) },
    hint: "Name one image as oci-layout://<path>:<tag> or oci-layout://<path>@<digest>",
  });
}

function tagOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}
