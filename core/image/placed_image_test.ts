import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { blockBytes, writeHeader } from "../../plugins/transport_archive/tar_header.ts";
import { putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { encode, makeBlob, makeManifest } from "../../tests/helpers/registry_fixture.ts";
import { startRegistryServer } from "../../tests/helpers/registry_server.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { copyImages } from "./copy.ts";
import { imageHistory } from "./history.ts";
import { inspectImages } from "./inspect.ts";

const call = testCall();
const layerBytes = 1024 ** 3;

/** Writes an archive of docker's older form or OCI's with two layers of 1 GiB, which take no room on the disk. */
async function writeHugeArchive(path: string): Promise<string> {
  const diffIds = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);
  const config = await makeBlob(
    "application/vnd.oci.image.config.v1+json",
    encode({
      architecture: "amd64",
      os: "linux",
      config: { Cmd: ["x"] },
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
  );
  const layers = diffIds.map((digest) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest,
    size: layerBytes,
  }));
  const manifest = await makeManifest({ config: config.descriptor, layers });
  const blob = ({ digest }: { readonly digest: string }): string => `blobs/${digest.replace(":", "/")}`;
  const documents: readonly (readonly [string, Uint8Array])[] = path.endsWith(".oci")
    ? [
      [blob(config.descriptor), config.bytes],
      [blob(manifest.descriptor), manifest.bytes],
      ["index.json", encode({ schemaVersion: 2, manifests: [manifest.descriptor] })],
      ["oci-layout", encode({ imageLayoutVersion: "1.0.0" })],
    ]
    : [
      ["config.json", config.bytes],
      ["manifest.json", encode([{ Config: "config.json", RepoTags: ["huge:v1"], Layers: layers.map(blob) }])],
    ];
  using file = await Deno.open(path, { write: true, createNew: true });
  for (const layer of layers) {
    file.writeSync(writeHeader(blob(layer), layerBytes));
    file.seekSync(layerBytes, Deno.SeekMode.Current);
  }
  for (const [name, bytes] of documents) {
    file.writeSync(writeHeader(name, bytes.length));
    file.writeSync(bytes);
    file.writeSync(new Uint8Array((blockBytes - bytes.length % blockBytes) % blockBytes));
  }
  file.writeSync(new Uint8Array(2 * blockBytes));
  return config.descriptor.digest;
}

/** Bytes that this process has read so far, of whatever file. */
function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(Deno.readTextFileSync("/proc/self/io"))?.[1]);
}

for (const form of ["docker", "oci"]) {
  Deno.test({
    name: `inspectImages() and imageHistory() read kilobytes of an ${form} archive of 2 GiB`,
    ignore: Deno.build.os !== "linux",
  }, async () => {
    await using engine = await createTempEngine();
    const path = `${engine.directory}/huge.${form}`;
    const id = await writeHugeArchive(path);
    const address = `${form}-archive:${path}`;
    const look = async (): Promise<void> => {
      const { images, errors } = await inspectImages(engine, { images: [address] }, call);
      assertEquals(errors, []);
      assertObjectMatch(images[0] ?? {}, { Id: id, Size: 2 * layerBytes, Config: { Cmd: ["x"] } });
      const { rows } = await imageHistory(engine, { image: address }, call);
      assertEquals(rows.map(({ size }) => size), [layerBytes, layerBytes]);
    };
    // What is loaded for the first look counts as read too.
    await look();
    // Other tests of this process read too.
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 50 && least >= 64 * 1024; attempt++) {
      const before = bytesRead();
      await look();
      least = Math.min(least, bytesRead() - before);
    }
    assert(least > 0 && least < 64 * 1024, `${least} bytes were read`);
  });
}

async function putMany(engine: TempEngine): Promise<void> {
  const images = ["amd64", "arm64"].map((architecture) => ({
    layers: [{ [architecture]: "x" }],
    platform: { os: "linux", architecture },
  }));
  await putIndex(engine.store, { images, names: ["app:multi"] }, call);
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
}

Deno.test("inspectImages() shows images of a registry without a layer, and those of a directory and an archive", async () => {
  await using server = startRegistryServer();
  await using engine = await createTempEngine();
  await putMany(engine);
  const remote = `registry:${server.host}/team/app`;
  await copyImages(engine, { source: "app:multi", target: `${remote}:multi` }, call);
  await copyImages(engine, { source: "app:multi", target: `oci:${engine.directory}/layout` }, call);
  await copyImages(engine, { source: "app:v1", target: `docker-archive:${engine.directory}/app.tar` }, call);
  const seen = server.requests.length;
  const { images: [stored] } = await inspectImages(engine, { images: ["app:multi"] }, call);
  const { images, errors } = await inspectImages(engine, {
    images: [`${remote}:multi`, `oci:${engine.directory}/layout`, `docker-archive:${engine.directory}/app.tar`],
  }, call);
  assertEquals(errors, []);
  assertObjectMatch(images[0] ?? {}, {
    RepoTags: [`${server.host}/team/app:multi`],
    Config: stored?.Config,
    RootFS: stored?.RootFS,
  });
  assertEquals(images[1]?.Id, stored?.Id);
  assertEquals(images[1]?.Platforms, stored?.Platforms);
  assertEquals([images[2]?.RepoTags, images[2]?.RepoDigests], [["app:v1"], [`app@${images[2]?.Digest}`]]);
  const blobs = server.requests.slice(seen).filter(({ path }) => path.includes("/blobs/"));
  assertEquals(blobs.length, 1, "the config alone");
});

Deno.test("inspectImages() takes the store's image where a name is an address too, and rejects NOT_FOUND for what is nowhere", async () => {
  await using engine = await createTempEngine();
  const { id } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["oci:v1"] }, call);
  const { images, errors } = await inspectImages(engine, {
    images: ["oci:v1", "oci:/nowhere", "app:v9", "store:oci:v1"],
  }, call);
  assertEquals(images.map(({ Id }) => Id), [id, id]);
  assertEquals(errors.map(({ code }) => code), ["NOT_FOUND", "NOT_FOUND"]);
});

Deno.test("imageHistory() rejects INVALID_ARGUMENT for an archive of several images", async () => {
  await using engine = await createTempEngine();
  await putMany(engine);
  const layout = `oci:${engine.directory}/layout`;
  for (const source of ["app:multi", "app:v1"]) await copyImages(engine, { source, target: layout }, call);
  const error = await imageHistory(engine, { image: layout }, call).then(() => undefined, (cause) => cause);
  assertEquals(error?.code, "INVALID_ARGUMENT");
});
