/** The transport plugin for S3 against a real server, and skopeo on what was downloaded. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import type { ByteStream, Call, TransportHook } from "../../core/contract/mod.ts";
import transportS3 from "../../examples/plugins/transport_s3.ts";
import { transportConformance } from "../conformance/transport.ts";
import { assertCode, call, describe, makeBytes, opener } from "../conformance/store_tools.ts";
import { startNpmRegistry } from "../helpers/npm_registry.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { makeMachine, type S3Machine } from "../helpers/s3_machine.ts";
import { type S3Server, startS3 } from "../helpers/s3_server.ts";
import { mustRun, runStrata } from "../helpers/strata.ts";
import { createTestHost } from "../helpers/test_host.ts";

const ignore = isMissing(peers.versitygw);
const MIB = 1024 * 1024;

async function openHook({ endpoint, bucket, env }: S3Server): Promise<TransportHook> {
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  const plugin = await transportS3(createTestHost({ endpoint, bucket, partMiB: 5 }));
  const [hook] = plugin.transport ?? [];
  assert(hook !== undefined);
  return hook;
}

transportConformance("s3 transport", async () => {
  const server = await startS3();
  const hook = await openHook(server);
  let count = 0;
  return {
    hook,
    address: () => `//${server.bucket}/some/place-${count++}`,
    exists: async (address) => {
      const path = `${server.folder}/${address.replace(`//${server.bucket}/`, "")}/index.json`;
      return await Deno.stat(path).then(() => true, () => false);
    },
    name: (text) => `docker.io/${text}`,
    holdsOne: false,
    listsUnnamed: true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}, (name, fn) => Deno.test({ name, ignore, fn }));

Deno.test({
  name: "large blobs go in parts, none that is wrong or cut short gets a name, and reading starts anywhere",
  ignore,
  async fn(): Promise<void> {
    await using server = await startS3();
    const hook = await openHook(server);
    await using sink = await hook.sink(`//${server.bucket}/big`, call);
    const uploads = async (): Promise<number> =>
      (await Array.fromAsync(Deno.readDir(`${server.folder}/.sgwtmp/multipart`)).catch(() => [])).length;
    for (const size of [0, 5 * MIB, 5 * MIB + 1, 12 * MIB]) {
      const bytes = makeBytes(size, size + 1);
      const descriptor = describe(bytes);
      const cut = (): Promise<ByteStream> => Promise.reject(new EngineError("NETWORK_FAILED", "cut"));
      await assertCode("NETWORK_FAILED", () => sink.put(descriptor, cut, call));
      for (const wrong of [makeBytes(size + 1), ...(size === 0 ? [] : [makeBytes(size, 99), bytes.subarray(1)])]) {
        await assertCode("CONTENT_MISMATCH", () => sink.put(descriptor, opener(wrong), call));
        assertEquals([await sink.has(descriptor, call), await uploads()], [false, 0]);
      }
      await sink.put(descriptor, opener(bytes), call);
      await sink.tag(descriptor, `docker.io/library/a:${size}`, call);
    }
    await sink.commit(call);
    await using source = await hook.source(`//${server.bucket}/big`, call);
    const bytes = makeBytes(12 * MIB, 12 * MIB + 1);
    for (const offset of [0, 1, 7 * MIB, 12 * MIB]) {
      const rest = await new Response(await source.open(describe(bytes), call, offset)).bytes();
      assertEquals(rest, bytes.slice(offset));
    }
  },
});

Deno.test({
  name: "sinks that commit at once keep each other's names",
  ignore,
  async fn(): Promise<void> {
    await using server = await startS3();
    const hook = await openHook(server);
    const address = `//${server.bucket}/shared`;
    const bytes = makeBytes(100);
    await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      await using sink = await hook.sink(address, call);
      await sink.put(describe(bytes), opener(bytes), call);
      await sink.tag(describe(bytes), `docker.io/library/a:${i}`, call);
      await sink.commit(call);
    }));
    await using source = await hook.source(address, call);
    const names = await Array.fromAsync(source.list("", call));
    assertEquals(names, Array.from({ length: 8 }, (_, i) => `docker.io/library/a:${i}`));
    await using sink = await hook.sink(address, call);
    assertEquals(await sink.remove("docker.io/library/a:3", call), true);
    assertEquals(await sink.remove("docker.io/library/a:3", call), false);
    await using rest = await hook.source(address, call);
    assertEquals((await Array.fromAsync(rest.list("", call))).length, 7);
  },
});

for (const address of ["b/p", "//", "//B", "//b/../x", "//b/a b", "//b/p:", "//b/p:a:b", "//b/p?x", "//b/ü"]) {
  Deno.test({
    name: `the address s3:${address} is refused`,
    ignore,
    async fn(): Promise<void> {
      const hook = (await transportS3(createTestHost())).transport?.[0];
      assert(hook !== undefined);
      const stopped: Call = { ...call };
      await assertCode("INVALID_ARGUMENT", () => hook.sink(address, stopped));
      await assertCode("INVALID_ARGUMENT", () => hook.source(address, stopped));
    },
  });
}

interface Place extends AsyncDisposable {
  readonly server: S3Server;
  readonly machine: S3Machine;
}

async function makePlace(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startS3());
  const registry = stack.use(await startNpmRegistry("aws4fetch@1.0.20"));
  const machine = stack.use(await makeMachine({ server, registry, plugins: ["transport_s3"] }));
  const kept = stack.move();
  return { server, machine, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

Deno.test({
  name: "strata copy puts images of several tags into a bucket and gets them from there, and tags ls lists them",
  ignore,
  async fn(): Promise<void> {
    await using place = await makePlace();
    const { server, machine: { options, path } } = place;
    const at = `s3://${server.bucket}/team/app`;
    await Deno.mkdir(`${path}/src`);
    await Deno.writeTextFile(`${path}/src/Dockerfile`, "FROM scratch\nARG V\nCOPY Dockerfile /\nLABEL v=$V\n");
    const ids: string[] = [];
    for (const version of ["1", "2"]) {
      const built = await mustRun(
        options,
        "build",
        "-q",
        "-t",
        `app:${version}`,
        "--build-arg",
        `V=${version}`,
        `${path}/src`,
      );
      ids.push(built.stdout.trim());
      await mustRun(options, "copy", `app:${version}`, at);
    }
    await mustRun(options, "copy", "app:1", `${at}:stable`);
    assertEquals((await mustRun(options, "tags", "ls", at)).stdout.trim().split("\n"), [
      "docker.io/library/app:1",
      "docker.io/library/app:2",
      "docker.io/library/app:stable",
    ]);

    assertEquals((await mustRun(options, "tags", "ls", "--plain-http", `${at}:2`)).stdout, "docker.io/library/app:2\n");

    const other = { ...options, root: `${path}/other` };
    await mustRun(other, "copy", `${at}:stable`, "back:1");
    assertEquals((await mustRun(other, "inspect", "-f", "{{.Id}}", "back:1")).stdout.trim(), ids[0]);
    await mustRun(other, "copy", at, "store:");
    assertEquals((await mustRun(other, "inspect", "-f", "{{.Id}}", "app:2")).stdout.trim(), ids[1]);
    const missing = await runStrata(other, "copy", `${at}:none`, "back:2");
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.stderr, 'it has no image with the tag "none"');
    const nothing = await runStrata(other, "copy", `s3://${server.bucket}/elsewhere`, "back:2");
    assertMatch(nothing.stderr, /Cannot open "s3:\/\/images\/elsewhere": there is no image/);
  },
});

Deno.test({
  name: "skopeo reads each image of a layout that was downloaded from the bucket file by file",
  ignore: isMissing(peers.versitygw, peers.skopeo),
  async fn(): Promise<void> {
    await using place = await makePlace();
    const { server, machine: { options, path } } = place;
    await Deno.mkdir(`${path}/src`);
    await Deno.writeTextFile(`${path}/src/Dockerfile`, "FROM scratch\nCOPY Dockerfile /\n");
    await mustRun(options, "build", "-q", "-t", "app:1", `${path}/src`);
    for (const tag of ["1", "latest"]) await mustRun(options, "copy", "app:1", `s3://${server.bucket}/app:${tag}`);
    // The server keeps objects as files by their keys, so a copy of the folder is a download.
    await new Deno.Command("cp", { args: ["-r", `${server.folder}/app`, `${path}/layout`] }).output();
    for (const tag of ["1", "latest"]) {
      const output = await new Deno.Command("skopeo", {
        args: [
          "copy",
          "--insecure-policy",
          "-q",
          `oci:${path}/layout:${tag}`,
          `docker-archive:${path}/${tag}.tar:x:${tag}`,
        ],
      }).output();
      assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
      await mustRun(options, "load", "-q", "-i", `${path}/${tag}.tar`);
      assertMatch((await mustRun(options, "image", "tree", `x:${tag}`)).stdout, /Dockerfile/);
    }
  },
});
