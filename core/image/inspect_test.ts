import { assertEquals, assertObjectMatch } from "@std/assert";
import { putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { aliasOf } from "./alias.ts";
import { inspectImages } from "./inspect.ts";

const call = testCall();

Deno.test("inspectImages() describes an image in docker's shape", async () => {
  await using engine = await createTempEngine();
  const exec = { Cmd: ["sh"], Labels: { a: "b" }, Env: ["A=1"] };
  const { id, descriptor, diffIds } = await putImage(engine.store, {
    layers: [{ a: "1" }],
    names: ["app:v1", "quay.io/team/app:v2"],
    exec,
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  }, call);
  const { images, errors } = await inspectImages(engine, { images: ["app:v1"] }, call);
  assertEquals(errors, []);
  assertObjectMatch(images[0] ?? {}, {
    Id: id,
    RepoTags: ["app:v1", "quay.io/team/app:v2"],
    RepoDigests: [`app@${descriptor.digest}`, `quay.io/team/app@${descriptor.digest}`],
    Parent: "",
    Created: "2024-01-01T00:00:00Z",
    Architecture: "arm64",
    Variant: "v8",
    Os: "linux",
    Size: 1,
    RootFS: { Type: "layers", Layers: [...diffIds] },
    Config: exec,
    Descriptor: { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size },
    Digest: descriptor.digest,
    Alias: aliasOf(id),
  });
  assertEquals(Object.keys(images[0]?.Descriptor ?? {}), ["mediaType", "digest", "size"]);
});

Deno.test("inspectImages() gives the found ones and errors for the others", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const { images, errors } = await inspectImages(engine, { images: ["nope", "app:v1", "neither"] }, call);
  assertEquals([images.length, errors.map(({ code, detail }) => [code, detail.name])], [1, [
    ["NOT_FOUND", "nope"],
    ["NOT_FOUND", "neither"],
  ]]);
});

Deno.test("inspectImages() shows the asked platform and the list of them when the image is an index", async () => {
  await using engine = await createTempEngine();
  const platforms = ["amd64", "arm64", "s390x"].map((architecture) => ({ os: "linux", architecture }));
  const images = platforms.map((platform) => ({ layers: [{ a: platform.architecture }], platform }));
  const { id, manifests } = await putIndex(engine.store, { images, names: ["multi"] }, call);
  const one = async (platform?: { os: string; architecture: string }): Promise<Record<string, unknown>> =>
    (await inspectImages(engine, { images: ["multi"], ...(platform === undefined ? {} : { platform }) }, call))
      .images[0] ?? {};
  assertObjectMatch(await one(platforms[2]), { Id: id, Architecture: "s390x", Digest: manifests[2]?.digest });
  assertEquals(
    (await one()).Platforms,
    manifests.map(({ digest, platform }) => ({
      Platform: `linux/${platform?.architecture}`,
      Digest: digest,
      Available: true,
    })),
  );
  const missing = await inspectImages(
    engine,
    { images: ["multi"], platform: { os: "linux", architecture: "ppc64le" } },
    call,
  );
  assertEquals(missing.errors.map(({ code }) => code), ["NOT_FOUND"]);
});
