import { assertEquals } from "@std/assert";
import {
  makeImage,
  makeManifest,
  quietCall as call,
  registryHook,
  type TestBlob,
} from "../../tests/helpers/registry_fixture.ts";
import type { RegistryBehaviour } from "../../tests/helpers/registry_handler.ts";
import { startRegistryServer } from "../../tests/helpers/registry_server.ts";
import { answerWith } from "../../tests/helpers/registry_fault.ts";
import type { TransportHook } from "../../core/contract/mod.ts";
import { referrersTag } from "./referrers.ts";

/** Manifests about an image: two of one type, one of another. */
async function makeReferrers(): Promise<{ image: Awaited<ReturnType<typeof makeImage>>; about: TestBlob[] }> {
  const image = await makeImage("signed");
  const subject = image.manifest.descriptor;
  const config = image.config.descriptor;
  const about: TestBlob[] = [];
  for (const [artifactType, note] of [["a/sbom", "1"], ["a/signature", "2"], ["a/sbom", "3"]]) {
    about.push(await makeManifest({ artifactType, config, layers: [], subject, annotations: { note } }));
  }
  return { image, about };
}

async function push(hook: TransportHook, address: string, blobs: readonly TestBlob[]): Promise<void> {
  await using sink = await hook.sink(address, call);
  for (const { descriptor, bytes } of blobs) {
    await sink.put(descriptor, (offset = 0) => Promise.resolve(new Blob([bytes.slice(offset)]).stream()), call);
  }
  await sink.commit(call);
}

async function read(hook: TransportHook, address: string, image: TestBlob, artifactType?: string): Promise<string[]> {
  await using source = await hook.source(address, call);
  const query = { subject: image.descriptor, ...(artifactType === undefined ? {} : { artifactType }) };
  const found = await Array.fromAsync(source.referrers(query, call));
  return found.map(({ annotations }) => annotations?.note ?? "?").sort();
}

const behaviours: readonly Partial<RegistryBehaviour>[] = [{}, { pageSize: 1 }, { referrers: false }];

Deno.test("referrers() finds what is about an image by the API, over pages, or by the tag", async () => {
  const { image, about } = await makeReferrers();
  for (const behaviour of behaviours) {
    await using server = startRegistryServer({ behaviour });
    const [hook, address] = [await registryHook(), `${server.host}/team/app`];
    await push(hook, address, [...image.blobs, ...about]);
    assertEquals(await read(hook, address, image.manifest), ["1", "2", "3"], JSON.stringify(behaviour));
    assertEquals(await read(hook, address, image.manifest, "a/sbom"), ["1", "3"]);
    assertEquals(await read(hook, address, image.manifest, "a/none"), []);
    assertEquals(await read(hook, address, image.layer), []);
    const tags = [...server.content.repository("team/app").tags.keys()];
    const isTagged = behaviour.referrers === false;
    assertEquals(tags, isTagged ? [referrersTag(image.manifest.descriptor.digest)] : []);
  }
});

Deno.test("put() lists a referrer once under the tag, with its type and annotations", async () => {
  const { image, about } = await makeReferrers();
  await using server = startRegistryServer({ behaviour: { referrers: false } });
  const [hook, address] = [await registryHook(), `${server.host}/team/app`];
  await push(hook, address, [...image.blobs, ...about]);
  const repository = server.content.repository("team/app");
  // Pushed again by someone who finds it missing.
  repository.manifests.delete(about[0]?.descriptor.digest ?? "");
  await push(hook, address, about);
  const tag = repository.tags.get(referrersTag(image.manifest.descriptor.digest)) ?? "";
  const index = JSON.parse(new TextDecoder().decode(repository.manifests.get(tag)?.bytes));
  assertEquals(index.manifests.length, 3);
  const { mediaType, digest, size } = about[0]?.descriptor ?? {};
  assertEquals(index.manifests[0], { mediaType, digest, size, artifactType: "a/sbom", annotations: { note: "1" } });
});

Deno.test("remove() takes a removed referrer out of the list under the tag", async () => {
  const { image, about } = await makeReferrers();
  await using server = startRegistryServer({ behaviour: { referrers: false } });
  const [hook, address] = [await registryHook(), `${server.host}/team/app`];
  await push(hook, address, [...image.blobs, ...about]);
  await using sink = await hook.sink(address, call);
  assertEquals(await sink.remove(`@${about[1]?.descriptor.digest}`, call), true);
  assertEquals(await read(hook, address, image.manifest), ["1", "3"]);
});

Deno.test("referrers() gives each once, though pages repeat", async () => {
  const { image, about } = await makeReferrers();
  await using server = startRegistryServer({ behaviour: { pageSize: 2 } });
  const [hook, address] = [await registryHook(), `${server.host}/team/app`];
  await push(hook, address, [...image.blobs, ...about]);
  const link = `</v2/team/app/referrers/${image.manifest.descriptor.digest}?at=1>; rel="next"`;
  const first = {
    manifests: about.slice(0, 2).map(({ descriptor }) => ({ ...descriptor, annotations: { note: "x" } })),
  };
  server.inject({ path: /referrers/ }, answerWith(200, { link }, JSON.stringify(first)));
  assertEquals(await read(hook, address, image.manifest), ["3", "x", "x"]);
});

Deno.test("referrersTag() cuts both parts and replaces what no tag may hold", () => {
  const hex = "a".repeat(64);
  assertEquals(referrersTag(`sha256:${hex}`), `sha256-${hex}`);
  assertEquals(referrersTag(`sha512:${hex}${hex}`), `sha512-${hex}`);
  assertEquals(referrersTag(`${"x+".repeat(20)}:${"y=".repeat(40)}`), `${"x-".repeat(16)}-${"y-".repeat(32)}`);
});
