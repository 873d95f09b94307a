import { assertEquals } from "@std/assert";
import { openerOf } from "../../tests/helpers/registry_actions.ts";
import { makeImage, makeManifest, quietCall as call } from "../../tests/helpers/registry_fixture.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import transportArchive from "./mod.ts";

Deno.test("referrers() of a layout finds what its index lists that is about a manifest", async () => {
  const image = await makeImage("signed");
  const subject = image.manifest.descriptor;
  const config = image.config.descriptor;
  const sbom = await makeManifest({ artifactType: "a/sbom", config, layers: [], subject, annotations: { note: "1" } });
  const plain = await makeManifest({ config, layers: [], subject });
  const plugin = await transportArchive(createTestHost());
  const folder = await Deno.makeTempDir();
  try {
    for (const scheme of ["oci", "oci-archive"]) {
      const hook = plugin.transport?.find(({ schemes }) => schemes.includes(scheme));
      const address = `${folder}/${scheme}`;
      {
        await using sink = await hook?.sink(address, call);
        for (const blob of [...image.blobs, sbom, plain]) await sink?.put(blob.descriptor, openerOf(blob), call);
        await sink?.tag(subject, "docker.io/library/app:v1", call);
        for (const { descriptor } of [sbom, plain]) await sink?.tag(descriptor, `@${descriptor.digest}`, call);
        await sink?.commit(call);
      }
      await using source = await hook?.source(address, call);
      const find = async (artifactType?: string): Promise<unknown[]> =>
        await Array.fromAsync(
          source?.referrers({ subject, ...(artifactType === undefined ? {} : { artifactType }) }, call) ?? [],
        );
      const found = { ...sbom.descriptor, artifactType: "a/sbom", annotations: { note: "1" } };
      assertEquals(await find(), [found, { ...plain.descriptor, artifactType: config.mediaType }]);
      assertEquals([await find("a/sbom"), await find("a/none")], [[found], []]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
