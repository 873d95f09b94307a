import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Call, Descriptor, Named, TransportHook, TransportSink } from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import { sha256 } from "../oci/digest.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { collect } from "../stream/collect.ts";
import { type RegisterTest, registerWithDeno } from "./register.ts";

/**
 * A hook ready to be tested, with an address to write to.
 *
 * @example A transport to folders
 * ```ts
 * import type { TransportHook } from "@strata/strata/contract";
 * import type { TransportFixture } from "@strata/strata/conformance";
 *
 * async function openFixture(hook: TransportHook): Promise<TransportFixture> {
 *   const folder = await Deno.makeTempDir();
 *   return {
 *     hook,
 *     address: () => `${folder}/${crypto.randomUUID()}`,
 *     exists: (address) => Deno.stat(address).then(() => true, () => false),
 *     name: (text) => text,
 *     holdsOne: true,
 *     listsUnnamed: true,
 *     [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
 *   };
 * }
 * ```
 */
export interface TransportFixture extends AsyncDisposable {
  /** The hook. */
  readonly hook: TransportHook;
  /** An address, without scheme, where nothing is yet; each call gives another one. */
  address(): string;
  /** Whether an address holds something. */
  exists(address: string): Promise<boolean>;
  /** A name as the place has it, for a text such as `team/a:v1`; different texts give different names. */
  name(text: string): string;
  /** Whether one address holds one image only, without a name. */
  readonly holdsOne: boolean;
  /** Whether an image has the name that the address is, whatever it was given. */
  readonly namesItself?: boolean;
  /** Whether images without a name are listed. */
  readonly listsUnnamed: boolean;
}

/** An image's blobs: manifest last. */
interface Image {
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array<ArrayBuffer> }[];
  readonly manifest: Descriptor;
}

type Check = (fixture: TransportFixture, call: Call) => Promise<void>;

/**
 * Registers the tests that every {@linkcode TransportHook} has to pass.
 *
 * @example Names of the tests of a transport
 * ```ts
 * import { transportConformance } from "@strata/strata/conformance";
 *
 * const names: string[] = [];
 * transportConformance("s3", () => Promise.reject(new TypeError("not opened here")), (name) => names.push(name));
 * console.log(names.length > 5);
 * ```
 */
export function transportConformance(
  name: string,
  open: () => Promise<TransportFixture>,
  register: RegisterTest = registerWithDeno,
): void {
  const check = (title: string, run: Check): void => {
    register(`${name} ${title}`, async () => {
      await using fixture = await open();
      await run(fixture, { signal: new AbortController().signal, emit: () => {} });
    });
  };
  check("source() gives back what sink() was given, names sorted", checkRoundTrip);
  check("source() gives an image without a name as @digest", checkUnnamed);
  check("source() or its names reject NOT_FOUND when there is nothing at the address", checkAbsent);
  check("open() starts at an offset and rejects NOT_FOUND for unknown content", checkOpen);
  check("put() is a no-op for content that is there, and has() tells", checkPutTwice);
  check("put() rejects CONTENT_MISMATCH for content of another size and can be called again", checkWrongSize);
  check("put() passes on what goes wrong while reading", checkFailing);
  check("tag() rejects when the content was not put", checkTagUnknown);
  check("a sink that is disposed before commit leaves nothing behind", checkAbandoned);
  check("mount() takes nothing over from an address that has nothing", checkMountNothing);
  check("remove() removes a name, or rejects UNSUPPORTED", checkRemove);
  check("sink() and source() reject CANCELED once the signal is aborted", checkCanceled);
}

/** Makes an image of one layer of text; its layer is no tar, which no transport looks into. */
async function makeImage(text: string): Promise<Image> {
  const encoder = new TextEncoder();
  const make = async (mediaType: string, content: string): Promise<Image["blobs"][number]> => {
    const bytes = encoder.encode(content);
    return { bytes, descriptor: { mediaType, digest: await sha256(bytes), size: bytes.length } };
  };
  const layer = await make("application/vnd.oci.image.layer.v1.tar", text);
  const config = await make(
    "application/vnd.oci.image.config.v1+json",
    canonicalJson({
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] },
    }),
  );
  const type = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await make(
    type,
    canonicalJson({ schemaVersion: 2, mediaType: type, config: config.descriptor, layers: [layer.descriptor] }),
  );
  return { blobs: [layer, config, manifest], manifest: manifest.descriptor };
}

async function putAll(sink: TransportSink, image: Image, call: Call): Promise<void> {
  for (const { descriptor, bytes } of image.blobs) {
    await sink.put(descriptor, (offset = 0) => Promise.resolve(streamOf(bytes.slice(offset))), call);
  }
}

async function write(fixture: TransportFixture, images: Readonly<Record<string, Image>>, call: Call): Promise<string> {
  const address = fixture.address();
  await using sink = await fixture.hook.sink(address, call);
  for (const [name, image] of Object.entries(images)) {
    await putAll(sink, image, call);
    await sink.tag(image.manifest, name, call);
  }
  await sink.commit(call);
  return address;
}

async function checkRoundTrip(fixture: TransportFixture, call: Call): Promise<void> {
  const [first, second] = [await makeImage("first"), await makeImage("second")];
  const names: Record<string, Image> = fixture.holdsOne ? { [fixture.name("library/a:v1")]: first } : {
    [fixture.name("library/b:v1")]: second,
    [fixture.name("library/a:v1")]: first,
    [fixture.name("team/a:v2")]: first,
  };
  const address = await write(fixture, names, call);
  await using source = await fixture.hook.source(address, call);
  const named = await Array.fromAsync(source.names("", call));
  assertEquals(named.map(({ name }) => name), named.map(({ name }) => name).sort());
  const found = new Map(named.map((item: Named) => [item.name, item.descriptor]));
  if (!fixture.holdsOne) assertEquals([...found.keys()], Object.keys(names).sort());
  for (const [name, image] of Object.entries(names)) {
    const descriptor = fixture.holdsOne ? named[0]?.descriptor : found.get(name);
    assertEquals([descriptor?.digest, descriptor?.size], [image.manifest.digest, image.manifest.size]);
    for (const { descriptor, bytes } of image.blobs) {
      assertEquals(await collect(await source.open(descriptor, call), bytes.length), bytes);
    }
  }
  const [one] = named;
  assert(one !== undefined);
  assertEquals(await source.resolve(one.name, call), one.descriptor);
  assertEquals(await source.resolve("no/such:name", call), undefined);
  assertEquals((await Array.fromAsync(source.names(one.name, call))).map(({ name }) => name), [one.name]);
  assertEquals(await Array.fromAsync(source.list("", call)), named.map(({ name }) => name));
  assertEquals(await Array.fromAsync(source.list(one.name, call)), [one.name]);
  assertEquals(await Array.fromAsync(source.referrers({ subject: one.descriptor }, call)), []);
}

async function checkUnnamed(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("nameless");
  const address = await write(fixture, { [`@${image.manifest.digest}`]: image }, call);
  if (!fixture.listsUnnamed) return await checkByDigest(fixture, { address, image }, call);
  await using source = await fixture.hook.source(address, call);
  const named = await Array.fromAsync(source.names("", call));
  const expected = fixture.namesItself === true ? fixture.name(address) : `@${image.manifest.digest}`;
  assertEquals(named.map(({ name }) => name), [expected]);
}

async function checkByDigest(
  fixture: TransportFixture,
  { address, image }: { readonly address: string; readonly image: Image },
  call: Call,
): Promise<void> {
  await using source = await fixture.hook.source(`${address}@${image.manifest.digest}`, call);
  const named = await Array.fromAsync(source.names("", call));
  assertEquals(named.map(({ name }) => name), [`@${image.manifest.digest}`]);
}

async function checkAbsent(fixture: TransportFixture, call: Call): Promise<void> {
  const error = await assertRejects(async () => {
    await using source = await fixture.hook.source(fixture.address(), call);
    await Array.fromAsync(source.names("", call));
  }, EngineError);
  assertEquals(error.code, "NOT_FOUND");
}

async function checkOpen(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("0123456789");
  const address = await write(fixture, { [fixture.name("library/a:v1")]: image }, call);
  await using source = await fixture.hook.source(address, call);
  const layer = image.blobs[0];
  assert(layer !== undefined);
  const rest = await collect(await source.open(layer.descriptor, call, 4), 10);
  assertEquals(new TextDecoder().decode(rest), "456789");
  assertEquals((await collect(await source.open(layer.descriptor, call, 10), 10)).length, 0);
  const left = await source.open(layer.descriptor, call);
  await left.cancel();
  const unknown: Descriptor = { mediaType: "x/y", digest: await sha256("unknown"), size: 7 };
  const error = await assertRejects(() => source.open(unknown, call), EngineError);
  assertEquals(error.code, "NOT_FOUND");
}

async function checkPutTwice(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("twice");
  await using sink = await fixture.hook.sink(fixture.address(), call);
  const [layer] = image.blobs;
  assert(layer !== undefined);
  assertEquals(await sink.has(layer.descriptor, call), false);
  await putAll(sink, image, call);
  assertEquals(await sink.has(layer.descriptor, call), true);
  await sink.put(layer.descriptor, () => Promise.reject(new EngineError("INTERNAL", "opened again")), call);
  await Promise.all([1, 2, 3].map(() => putAll(sink, image, call)));
  await sink.tag(image.manifest, fixture.name("library/a:v1"), call);
  await sink.commit(call);
}

async function checkWrongSize(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("right");
  const address = fixture.address();
  await using sink = await fixture.hook.sink(address, call);
  const [layer] = image.blobs;
  assert(layer !== undefined);
  for (const text of ["", "r", "right and more"]) {
    const open = (): Promise<ReturnType<typeof streamOf>> => Promise.resolve(streamOf(new TextEncoder().encode(text)));
    const error = await assertRejects(() => sink.put(layer.descriptor, open, call), EngineError);
    assertEquals([text, error.code], [text, "CONTENT_MISMATCH"]);
  }
  await putAll(sink, image, call);
  await sink.tag(image.manifest, fixture.name("library/a:v1"), call);
  await sink.commit(call);
  await using source = await fixture.hook.source(address, call);
  assertEquals(await collect(await source.open(layer.descriptor, call), 100), layer.bytes);
}

async function checkFailing(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("failing");
  await using sink = await fixture.hook.sink(fixture.address(), call);
  const [layer] = image.blobs;
  assert(layer !== undefined);
  const fail = (): Promise<never> => Promise.reject(new EngineError("NETWORK_FAILED", "gone"));
  const error = await assertRejects(() => sink.put(layer.descriptor, fail, call), EngineError);
  assertEquals(error.code, "NETWORK_FAILED");
  assertEquals(await sink.has(layer.descriptor, call), false);
}

async function checkTagUnknown(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("unknown");
  await using sink = await fixture.hook.sink(fixture.address(), call);
  const error = await assertRejects(() => sink.tag(image.manifest, fixture.name("library/a:v1"), call), EngineError);
  assertEquals(error.code, "NOT_FOUND");
}

async function checkAbandoned(fixture: TransportFixture, call: Call): Promise<void> {
  const address = fixture.address();
  {
    await using sink = await fixture.hook.sink(address, call);
    await putAll(sink, await makeImage("abandoned"), call);
  }
  assertEquals(await fixture.exists(address), false);
}

async function checkMountNothing(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("mounted");
  const [layer] = image.blobs;
  assert(layer !== undefined);
  await using sink = await fixture.hook.sink(fixture.address(), call);
  assertEquals(await sink.mount(layer.descriptor, fixture.address(), call), false);
  await putAll(sink, image, call);
  assertEquals(await sink.has(layer.descriptor, call), true);
}

async function checkRemove(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("removed");
  const address = await write(fixture, { [fixture.name("library/a:v1")]: image }, call);
  await using sink = await fixture.hook.sink(address, call);
  const name = `@${image.manifest.digest}`;
  try {
    assertEquals([await sink.remove(name, call), await sink.remove(name, call)], [true, false]);
  } catch (error) {
    assert(error instanceof EngineError);
    assertEquals(error.code, "UNSUPPORTED");
    return;
  }
  await using source = await fixture.hook.source(address, call);
  assertEquals(await source.resolve(image.manifest.digest, call), undefined);
}

async function checkCanceled(fixture: TransportFixture, call: Call): Promise<void> {
  const image = await makeImage("canceled");
  const address = await write(fixture, { [fixture.name("library/a:v1")]: image }, call);
  const stopped: Call = { ...call, signal: AbortSignal.abort() };
  await using sink = await fixture.hook.sink(fixture.address(), call);
  const put = await assertRejects(() => putAll(sink, image, stopped), EngineError);
  await using source = await fixture.hook.source(address, call);
  const [layer] = image.blobs;
  assert(layer !== undefined);
  const read = await assertRejects(
    async () => await collect(await source.open(layer.descriptor, stopped), 100),
    EngineError,
  );
  assertEquals([put.code, read.code], ["CANCELED", "CANCELED"]);
}
