import { assert, assertEquals, assertRejects } from "@std/assert";
import { type RawMember, rawTar } from "../../tests/helpers/raw_tar.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { sha256 } from "../oci/digest.ts";
import { loadImages } from "./load.ts";
import { readImages } from "./stored_image.ts";

const call = testCall();
const layerText = new TextDecoder().decode(rawTar([{ name: "hello", text: "hello" }]));

/** Members of an archive as docker before 25 wrote it, with one layer. */
async function dockerMembers(
  change: { diffId?: string; layers?: string[]; tags?: string[] } = {},
): Promise<RawMember[]> {
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [change.diffId ?? await sha256(layerText)] },
  });
  const configName = `${(await sha256(config)).slice(7)}.json`;
  const manifest = [{
    Config: configName,
    RepoTags: change.tags ?? ["app:v1"],
    Layers: change.layers ?? ["abc/layer.tar"],
  }];
  return [
    { name: "abc/", type: "5" },
    { name: "abc/layer.tar", text: layerText },
    { name: configName, text: config },
    { name: "manifest.json", text: JSON.stringify(manifest) },
  ];
}

/** Members of an OCI layout with one image. */
async function layoutMembers(change: (blobs: Map<string, string>) => void = () => {}): Promise<RawMember[]> {
  const blobs = new Map<string, string>();
  const add = async (mediaType: string, text: string): Promise<Record<string, unknown>> => {
    const digest = await sha256(text);
    blobs.set(`blobs/${digest.replace(":", "/")}`, text);
    return { mediaType, digest, size: new TextEncoder().encode(text).length };
  };
  const layer = await add("application/vnd.oci.image.layer.v1.tar", layerText);
  const config = await add(
    "application/vnd.oci.image.config.v1+json",
    JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [layer.digest] } }),
  );
  const type = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await add(type, JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [layer] }));
  const annotations = { "io.containerd.image.name": "docker.io/library/app:v1" };
  blobs.set("index.json", JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  blobs.set("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  change(blobs);
  return [...blobs].map(([name, text]) => ({ name, text }));
}

async function load(engine: TempEngine, content: Uint8Array<ArrayBuffer>): ReturnType<typeof loadImages> {
  const path = `${engine.directory}/in.tar`;
  await Deno.writeFile(path, content);
  return await loadImages(engine, { source: { path } }, call);
}

/** Loads what must not load; gives the code, after a look that nothing got a name. */
async function refused(content: Uint8Array<ArrayBuffer>): Promise<string> {
  await using engine = await createTempEngine();
  const error = await assertRejects(() => load(engine, content), EngineError);
  assertEquals(await readImages(engine.store, call), []);
  assert(error.message.startsWith("Cannot "), error.message);
  return error.code;
}

Deno.test("loadImages() reads archives of old docker with layers by path or by link", async () => {
  await using engine = await createTempEngine();
  const plain = await load(engine, rawTar(await dockerMembers()));
  assertEquals(plain.images.map(({ names }) => names), [["app:v1"]]);
  const linked = await dockerMembers({ layers: ["def/layer.tar"], tags: ["app:v2"] });
  const links: RawMember[] = [{ name: "def/layer.tar", type: "2", link: "../abc/layer.tar" }];
  assertEquals((await load(engine, rawTar([...linked, ...links]))).images[0]?.id, plain.images[0]?.id);
  const hard: RawMember[] = [{ name: "./def/layer.tar", type: "1", link: "./abc/layer.tar" }];
  assertEquals((await load(engine, rawTar([...linked, ...hard]))).images[0]?.id, plain.images[0]?.id);
  assertEquals((await readImages(engine.store, call)).map(({ names }) => names.length), [2]);
});

Deno.test("loadImages() gives no name and a warning when the archive's name is none", async () => {
  await using engine = await createTempEngine();
  const path = `${engine.directory}/in.tar`;
  await Deno.writeFile(path, rawTar(await dockerMembers({ tags: ["NOT:a/name"] })));
  const warnings: string[] = [];
  const emit = (event: { type: string; code?: string }): void => void warnings.push(event.code ?? event.type);
  const { images } = await loadImages(engine, { source: { path } }, { ...call, emit });
  assertEquals([images.map(({ names }) => names), warnings], [[[]], ["UnusableName"]]);
});

Deno.test("loadImages() gives no name when a layout has a bare tag", async () => {
  await using engine = await createTempEngine();
  const members = await layoutMembers((blobs) => {
    blobs.set(
      "index.json",
      (blobs.get("index.json") ?? "").replace("io.containerd.image.name", "org.opencontainers.image.ref.name")
        .replace("docker.io/library/app:v1", "v1"),
    );
  });
  assertEquals((await load(engine, rawTar(members))).images.map(({ names }) => names), [[]]);
});

Deno.test("loadImages() rejects CONTENT_MISMATCH when a layer or a diffID is not what it should be", async () => {
  const other = await sha256("another layer");
  assertEquals(await refused(rawTar(await dockerMembers({ diffId: other }))), "CONTENT_MISMATCH");
  const swapped = await layoutMembers((blobs) => {
    for (const [path, text] of blobs) if (text === layerText) blobs.set(path, text.replaceAll("hello", "jello"));
  });
  assertEquals(await refused(rawTar(swapped)), "CONTENT_MISMATCH");
  const shorter = await layoutMembers((blobs) => {
    for (const [path, text] of blobs) if (text === layerText) blobs.set(path, text.slice(0, 700));
  });
  assertEquals(await refused(rawTar(shorter)), "CONTENT_MISMATCH");
});

Deno.test("loadImages() rejects when parts are missing", async () => {
  const without = async (part: string): Promise<string> =>
    await refused(rawTar((await dockerMembers()).filter(({ name }) => !name.endsWith(part))));
  assertEquals(await without("layer.tar"), "INVALID_ARGUMENT");
  assertEquals(await without("manifest.json"), "INVALID_ARGUMENT");
  const withoutLayer = await layoutMembers((blobs) => {
    for (const [path, text] of blobs) if (text === layerText) blobs.delete(path);
  });
  assertEquals(await refused(rawTar(withoutLayer)), "NOT_FOUND");
});

Deno.test("loadImages() rejects archives that lead outside, repeat documents or are no archives", async () => {
  const members = await dockerMembers();
  const cases: Readonly<Record<string, readonly RawMember[]>> = {
    dotdot: [...members, { name: "../evil", text: "x" }],
    absolute: [...members, { name: "/etc/passwd", text: "x" }],
    "link outside": [...members, { name: "x", type: "2", link: "../../etc/passwd" }],
    "absolute link": [...members, { name: "x", type: "2", link: "/etc/passwd" }],
    "two manifests": [...members, { name: "manifest.json", text: "[]" }],
    "config outside": [{ name: "manifest.json", text: '[{"Config":"../../etc/passwd","Layers":[]}]' }],
    "manifest is no list": [{ name: "manifest.json", text: "{}" }],
    "manifest is no JSON": [{ name: "manifest.json", text: "[{" }],
    "no layers": [...(await dockerMembers({ layers: [] }))],
    "layer loop": [...await dockerMembers({ layers: ["a"] }), { name: "a", type: "2", link: "b" }, {
      name: "b",
      type: "2",
      link: "a",
    }],
    "claims too much": [...members, { name: "big", text: "x", size: 1e9 }],
    empty: [],
  };
  for (const [name, raw] of Object.entries(cases)) {
    assertEquals([name, await refused(rawTar(raw))], [name, "INVALID_ARGUMENT"]);
  }
  for (const text of ["", "hello", "x".repeat(2000)]) {
    assertEquals(await refused(new TextEncoder().encode(text)), "INVALID_ARGUMENT");
  }
});

Deno.test("loadImages() rejects INVALID_ARGUMENT when a document is larger than any should be", async () => {
  const giant: RawMember = { name: "manifest.json", text: `[${" ".repeat(9 * 1024 * 1024)}]` };
  assertEquals(await refused(rawTar([giant])), "INVALID_ARGUMENT");
});

Deno.test("loadImages() rejects device entries, foreign layout versions and directories that hold nothing", async () => {
  const device: RawMember = { name: "dev", type: "3" };
  assertEquals(await refused(rawTar([...await dockerMembers(), device])), "UNSUPPORTED");
  const future = await layoutMembers((blobs) => blobs.set("oci-layout", '{"imageLayoutVersion":"2.0.0"}'));
  assertEquals(await refused(rawTar(future)), "UNSUPPORTED");
  await using engine = await createTempEngine();
  const code = async (path: string): Promise<string> =>
    (await assertRejects(() => loadImages(engine, { source: { path } }, call), EngineError)).code;
  assertEquals([await code(engine.directory), await code(`${engine.directory}/none`)], [
    "INVALID_ARGUMENT",
    "NOT_FOUND",
  ]);
});
