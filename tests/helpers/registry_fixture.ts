import type { Call, Credential, Descriptor, TransportHook } from "../../core/contract/mod.ts";
import { canonicalJson } from "../../core/oci/canonical_json.ts";
import { sha256 } from "../../core/oci/digest.ts";
import transportRegistry from "../../plugins/transport_registry/mod.ts";
import { createTestHost } from "./test_host.ts";

/** Content with what names it. */
export interface TestBlob {
  /** Names it. */
  readonly descriptor: Descriptor;
  /** The bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An image of one layer; manifest last in `blobs`. */
export interface TestImage {
  /** The layer, which is no tar. */
  readonly layer: TestBlob;
  /** The config. */
  readonly config: TestBlob;
  /** The manifest. */
  readonly manifest: TestBlob;
  /** All, in the order in which they are pushed. */
  readonly blobs: readonly TestBlob[];
}

/** A call that nobody cancels and that reports nothing. */
export const quietCall: Call = { signal: new AbortController().signal, emit: () => {} };

/** Logins by place, a host or `host/repository`. */
export type Logins = Readonly<Record<string, Credential>>;

/** The registry transport, with a config that waits no longer than tests can. */
export async function registryHook(
  config: Readonly<Record<string, unknown>> = {},
  logins: Logins = {},
): Promise<TransportHook> {
  const host = createTestHost({ retryDelayMs: 1, idleTimeoutMs: 10_000, ...config }, {
    credential: (place) => Promise.resolve(logins[place] ?? logins[place.slice(0, Math.max(place.indexOf("/"), 0))]),
  });
  const [hook] = (await transportRegistry(host)).transport ?? [];
  if (hook === undefined) throw new TypeError("the plugin has no transport");
  return hook;
}

/** An image whose layer has so many bytes, different for each seed. */
export async function makeImage(seed: string, layerBytes = 1000): Promise<TestImage> {
  const layer = await makeBlob("application/vnd.oci.image.layer.v1.tar", fill(seed, layerBytes));
  const config = await makeBlob(
    "application/vnd.oci.image.config.v1+json",
    encode({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] } }),
  );
  const manifest = await makeManifest({ config: config.descriptor, layers: [layer.descriptor] });
  return { layer, config, manifest, blobs: [layer, config, manifest] };
}

/** An OCI manifest, or an index when it has `manifests`. */
export async function makeManifest(members: Readonly<Record<string, unknown>>): Promise<TestBlob> {
  const kind = "manifests" in members ? "index" : "manifest";
  const mediaType = `application/vnd.oci.image.${kind}.v1+json`;
  return await makeBlob(mediaType, encode({ schemaVersion: 2, mediaType, ...members }));
}

/** Content of a type. */
export async function makeBlob(mediaType: string, bytes: Uint8Array<ArrayBuffer>): Promise<TestBlob> {
  return { bytes, descriptor: { mediaType, digest: await sha256(bytes), size: bytes.length } };
}

/** Bytes that follow from a seed and do not repeat soon. */
export function fill(seed: string, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = [...seed].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7);
  for (let at = 0; at < size; at++) {
    state = (state * 1664525 + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** JSON as bytes. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(JSON.parse(JSON.stringify(value))));
}
