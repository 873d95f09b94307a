/** Archives and layouts against the tools that others use: what strata saves they take, what they write strata loads. */
import { assert, assertEquals } from "@std/assert";
import { loadImages } from "../../core/image/load.ts";
import { saveImages } from "../../core/image/save.ts";
import { readImages } from "../../core/image/stored_image.ts";
import { startDockerd } from "../helpers/dockerd.ts";
import { putImage, type StoredFixture } from "../helpers/image_fixture.ts";
import { runPeer } from "../helpers/program.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { createTempEngine, type TempEngine, testCall } from "../helpers/temp_engine.ts";

const call = testCall();

/** An image of two layers with a config that has something of everything. */
function putApp(engine: TempEngine, name: string, gzip = false): Promise<StoredFixture> {
  return putImage(engine.store, {
    layers: [{ "etc/motd": `${name}\n`, "srv/data": "x".repeat(10_000) }, { "srv/data": null, "srv/new": "new" }],
    names: [name],
    gzip,
    exec: { Cmd: ["/bin/app"], Env: ["PATH=/bin", "A=ü"], Labels: { a: "b" }, ExposedPorts: { "80/tcp": {} } },
    platform: { os: "linux", architecture: "amd64" },
  }, call);
}

async function load(engine: TempEngine, path: string): Promise<readonly (readonly [string, readonly string[]])[]> {
  const { images } = await loadImages(engine, { source: { path } }, call);
  return images.map(({ id, names }) => [id, names]);
}

const skopeo = isMissing(peers.skopeo);
for (const gzip of [false, true]) {
  const kind = gzip ? "compressed" : "plain";
  Deno.test({ name: `skopeo reads every form that strata saves with ${kind} layers`, ignore: skopeo }, async () => {
    await using engine = await createTempEngine();
    const { id, descriptor } = await putApp(engine, "app:v1", gzip);
    for (const format of ["docker-archive", "oci-archive", "oci", "dir"] as const) {
      const output = `${engine.directory}/${format}`;
      await saveImages(engine, { images: ["app:v1"], format, output }, call);
      const source = `${format}:${output}${format.startsWith("oci") ? ":v1" : ""}`;
      const config = JSON.parse(await runPeer("skopeo", "inspect", "--config", source));
      assertEquals([config.config.Cmd, config.config.Labels, config.history.length], [["/bin/app"], { a: "b" }, 2]);
      if (format !== "docker-archive") {
        assertEquals(JSON.parse(await runPeer("skopeo", "inspect", source)).Digest, descriptor.digest);
      }
      // From Docker's form skopeo makes a new config for an OCI target, so that way goes to Docker's form again.
      const copied = `${engine.directory}/copied-${format}`;
      const target = format === "docker-archive" ? `docker-archive:${copied}:app:v1` : `oci:${copied}:app:v1`;
      await runPeer("skopeo", "copy", "--insecure-policy", source, target);
      await using other = await createTempEngine();
      assertEquals(await load(other, copied), [[id, ["app:v1"]]]);
    }
  });

  Deno.test({ name: `strata loads every form that skopeo writes with ${kind} layers`, ignore: skopeo }, async () => {
    await using engine = await createTempEngine();
    const { id } = await putApp(engine, "app:v1", gzip);
    const layout = `${engine.directory}/layout`;
    await saveImages(engine, { images: ["app:v1"], format: "oci", output: layout }, call);
    const targets = {
      [`docker-archive:${engine.directory}/d.tar:quay.io/team/app:v2`]: ["quay.io/team/app:v2"],
      [`oci-archive:${engine.directory}/o.tar:quay.io/team/app:v3`]: ["quay.io/team/app:v3"],
      [`oci:${engine.directory}/o:v4`]: [],
      [`dir:${engine.directory}/dir`]: [],
    };
    for (const [target, names] of Object.entries(targets)) {
      await using other = await createTempEngine();
      await runPeer("skopeo", "copy", "--insecure-policy", `oci:${layout}:v1`, target);
      assertEquals([target, await load(other, target.split(":")[1] ?? "")], [target, [[id, names]]]);
    }
  });
}

const podman = isMissing(peers.podman, "root");
Deno.test({ name: "podman loads what strata saves and strata what podman saves", ignore: podman }, async () => {
  await using engine = await createTempEngine();
  const { id } = await putApp(engine, "app:v1");
  const two = await putApp(engine, "quay.io/team/two:v1", true);
  const { directory } = engine;
  const run = (...args: readonly string[]): Promise<string> =>
    runPeer("podman", "--root", `${directory}/p`, "--runroot", `${directory}/r`, "--storage-driver", "vfs", ...args);
  for (const format of ["docker-archive", "oci-archive"] as const) {
    const output = `${directory}/one-${format}`;
    await saveImages(engine, { images: ["app:v1"], format, output }, call);
    await run("load", "--input", output);
    const [image] = JSON.parse(await run("image", "inspect", id.slice("sha256:".length)));
    assert(
      image.RepoTags.some((name: string) => /^(docker\.io\/library|localhost)\/app:v1$/.test(name)),
      image.RepoTags,
    );
    await run("rmi", "--force", "--all");
  }
  const both = `${directory}/both.tar`;
  await saveImages(engine, { images: ["app:v1", "quay.io/team/two:v1"], output: both }, call);
  await run("load", "--input", both);
  const ids = JSON.parse(await run("images", "--format", "json")).map(({ Id }: { Id: string }) => `sha256:${Id}`);
  assertEquals(new Set(ids), new Set([id, two.id]));
  await using other = await createTempEngine();
  const dockerForm = `${directory}/podman-docker`;
  await run("save", "--format", "docker-archive", "--output", dockerForm, "quay.io/team/two:v1");
  assertEquals(await load(other, dockerForm), [[two.id, ["quay.io/team/two:v1"]]]);
  // podman makes a new config when it saves an image that came in the other form.
  await run("rmi", "--force", "--all");
  const layout = `${directory}/two.oci`;
  await saveImages(engine, { images: ["quay.io/team/two:v1"], format: "oci-archive", output: layout }, call);
  await run("load", "--input", layout);
  for (const format of ["oci-archive", "oci-dir"]) {
    const output = `${directory}/podman-${format}`;
    await run("save", "--format", format, "--output", output, "quay.io/team/two:v1");
    assertEquals([format, await load(other, output)], [format, [[two.id, ["quay.io/team/two:v1"]]]]);
  }
});

const umoci = isMissing(peers.umoci, "root");
Deno.test({ name: "umoci unpacks what strata saves and strata loads what umoci repacks", ignore: umoci }, async () => {
  await using engine = await createTempEngine();
  await putApp(engine, "app:v1", true);
  const layout = `${engine.directory}/layout`;
  await saveImages(engine, { images: ["app:v1"], format: "oci", output: layout }, call);
  const bundle = `${engine.directory}/bundle`;
  await runPeer("umoci", "unpack", "--image", `${layout}:v1`, bundle);
  assertEquals(await Deno.readTextFile(`${bundle}/rootfs/srv/new`), "new");
  assertEquals((await Array.fromAsync(Deno.readDir(`${bundle}/rootfs/srv`))).map(({ name }) => name), ["new"]);
  await Deno.writeTextFile(`${bundle}/rootfs/added`, "added");
  await runPeer("umoci", "repack", "--image", `${layout}:v2`, bundle);
  const loaded = await loadImages(engine, { source: { path: layout } }, call);
  assertEquals(loaded.images.length, 2);
});

const docker = isMissing(peers.docker, peers.dockerd, "root");
Deno.test({ name: "docker loads what strata saves and strata what docker saves", ignore: docker }, async () => {
  await using engine = await createTempEngine();
  await using daemon = await startDockerd();
  const plain = await putApp(engine, "app:v1");
  const squeezed = await putApp(engine, "quay.io/team/app:v2", true);
  const output = `${engine.directory}/both.tar`;
  await saveImages(engine, { images: ["app:v1", "quay.io/team/app:v2"], output }, call);
  assertEquals(
    await daemon.docker("load", "--quiet", "--input", output),
    "Loaded image: app:v1\nLoaded image: quay.io/team/app:v2\n",
  );
  const [image] = JSON.parse(await daemon.docker("image", "inspect", "app:v1"));
  assertEquals([image.Id, image.RootFS.Layers, image.Config.Cmd], [plain.id, [...plain.diffIds], ["/bin/app"]]);
  assertEquals(
    (await daemon.docker("image", "inspect", "--format", "{{.Id}}", "quay.io/team/app:v2")).trim(),
    squeezed.id,
  );
  const nameless = `${engine.directory}/nameless.tar`;
  await saveImages(engine, { images: [plain.id], output: nameless }, call);
  assertEquals(await daemon.docker("load", "--quiet", "--input", nameless), `Loaded image ID: ${plain.id}\n`);
  const back = `${engine.directory}/back.tar`;
  await daemon.docker("save", "--output", back, "app:v1", "quay.io/team/app:v2");
  await using other = await createTempEngine();
  await load(other, back);
  const loaded = (await readImages(other.store, call)).map(({ id, names }) => [id, names]);
  const expected = [[plain.id, ["docker.io/library/app:v1"]], [squeezed.id, ["quay.io/team/app:v2"]]];
  assertEquals(loaded.sort(), expected.sort());
  await daemon.docker("save", "--output", back, plain.id);
  assertEquals((await load(other, back)).map(([id]) => id), [plain.id]);
});

const compressors = isMissing(peers.xz, peers.bzip2, peers.zstd);
Deno.test({ name: "strata loads archives that gzip, bzip2, xz and zstd compressed", ignore: compressors }, async () => {
  await using engine = await createTempEngine();
  const { id } = await putApp(engine, "app:v1");
  for (const program of ["gzip", "bzip2", "xz", "zstd"]) {
    const output = `${engine.directory}/${program}`;
    await saveImages(engine, { images: ["app:v1"], output }, call);
    await runPeer(program, "-q", output);
    const packed = (await Array.fromAsync(Deno.readDir(engine.directory))).find(({ name }) =>
      name.startsWith(`${program}.`)
    );
    await using other = await createTempEngine();
    assertEquals([program, await load(other, `${engine.directory}/${packed?.name}`)], [program, [[id, ["app:v1"]]]]);
  }
});
