/** Builds on machines that share a cache in a registry or a folder, as a user sees them; the registry counts what is asked of it. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { startRegistry } from "../helpers/registry_process.ts";
import { type RegistryServer, startRegistryServer } from "../helpers/registry_server.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { baseName, type BuildOutput, makeRunPlace, readBuild, type RunPlace } from "../helpers/run_place.ts";
import { mustRun, runStrata, tempFolder } from "../helpers/strata.ts";

const epoch = { SOURCE_DATE_EPOCH: "1700000000" };

/** Blobs that were read after the first requests. */
function blobReads(registry: RegistryServer, since: number): number {
  return registry.requests.slice(since).filter(({ method, path, status }) =>
    method === "GET" && path.includes("/blobs/") && status === 200
  ).length;
}

const copying = {
  "src/Dockerfile":
    "FROM scratch AS one\nCOPY a.txt /\nCOPY b.txt /\nFROM scratch\nCOPY --from=one /b.txt /out/\nCOPY c.txt /\n",
  "src/a.txt": "a\n",
  "src/b.txt": "b\n",
  "src/c.txt": "c\n",
};

Deno.test("build --cache-to and --cache-from carry every step through a registry", async () => {
  await using folder = await tempFolder();
  await using registry = startRegistryServer();
  await folder.write(copying);
  const ref = `${registry.host}/team/cache:main`;
  const build = async (root: string, ...flags: string[]): Promise<BuildOutput> =>
    readBuild(
      await mustRun(
        { root: `${folder.path}/${root}`, env: epoch },
        "build",
        "--progress=plain",
        ...flags,
        `${folder.path}/src`,
      ),
    );
  const first = await build("one", "--cache-to", `type=registry,ref=${ref},mode=max`);
  assertStringIncludes(first.stderr, ` exporting cache to ${ref}\n`);
  assertEquals(first.built.length, 4);
  let seen = registry.requests.length;
  const second = await build("two", "--cache-from", ref);
  assertEquals([second.built, second.id], [[], first.id]);
  assertStringIncludes(second.stderr, ` importing cache manifest from ${ref}\n`);
  // The records, and the two layers of the result.
  assertEquals(blobReads(registry, seen), 3);
  await folder.write({ "src/c.txt": "changed\n" });
  seen = registry.requests.length;
  const third = await build("three", "--cache-from", `type=registry,ref=${ref}`, "-o", "type=cacheonly");
  assertEquals(third.built, ["COPY c.txt /"]);
  // The records, and the layer that the changed step looks into.
  assertEquals(blobReads(registry, seen), 2);
});

Deno.test("build --cache-from a name that is not there warns and builds; types that there are not are refused", async () => {
  await using folder = await tempFolder();
  await using registry = startRegistryServer();
  await folder.write(copying);
  const options = { root: `${folder.path}/root` };
  const missing = await mustRun(
    options,
    "build",
    "--progress=plain",
    "--cache-from",
    `${registry.host}/none`,
    `${folder.path}/src`,
  );
  assertStringIncludes(missing.stderr, `CacheImport: Cache "${registry.host}/none:latest" is not used: `);
  const refused = await runStrata(options, "build", "--cache-to", "type=gha", `${folder.path}/src`);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "Cannot use --cache-to type=gha: expected registry or local");
  assertStringIncludes(refused.stderr, "hint: Use type=registry,ref=<name> or type=local,dest=<path>");
  const closed = `127.0.0.1:1/cache`;
  const failed = await runStrata(
    options,
    "build",
    "-q",
    "--cache-to",
    `type=registry,ref=${closed}`,
    `${folder.path}/src`,
  );
  assertEquals(failed.code, 1);
  await mustRun(
    options,
    "build",
    "-q",
    "--cache-to",
    `type=registry,ref=${closed},ignore-error=true`,
    `${folder.path}/src`,
  );
});

Deno.test({
  name: "build --cache-to type=local writes a layout that skopeo reads, and --cache-from type=local takes it",
  ignore: isMissing(peers.skopeo),
  fn: async () => {
    await using folder = await tempFolder();
    await folder.write(copying);
    const cache = `${folder.path}/cache`;
    const build = async (root: string, ...flags: string[]): Promise<BuildOutput> =>
      readBuild(
        await mustRun(
          { root: `${folder.path}/${root}`, env: epoch },
          "build",
          "--progress=plain",
          ...flags,
          `${folder.path}/src`,
        ),
      );
    const first = await build("one", "--cache-to", `type=local,dest=${cache},mode=max`);
    const { success, stdout, stderr } = await new Deno.Command("skopeo", {
      args: ["inspect", "--raw", `oci:${cache}:latest`],
    }).output();
    assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
    const manifest = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals(manifest.artifactType, "application/vnd.strata.cache.config.v1+json");
    assertEquals(manifest.layers.length, 4);
    const copied = `${folder.path}/copied`;
    await new Deno.Command("skopeo", { args: ["copy", "-q", `oci:${cache}:latest`, `oci:${copied}:other`] }).output();
    const second = await build("two", "--cache-from", `type=local,src=${copied},tag=other`);
    assertEquals([second.built, second.id], [[], first.id]);
  },
});

Deno.test({
  name: "docker-registry keeps a shared cache, also an empty one, and skopeo copies it",
  ignore: isMissing(peers.dockerRegistry, peers.skopeo),
  fn: async () => {
    await using folder = await tempFolder();
    await using registry = await startRegistry();
    await folder.write({ ...copying, "empty/Dockerfile": "FROM scratch\nLABEL a=b\n" });
    const [ref, other] = [`${registry.host}/team/cache:main`, `${registry.host}/mirror/cache:main`];
    const build = async (root: string, ...args: string[]): Promise<BuildOutput> =>
      readBuild(await mustRun({ root: `${folder.path}/${root}`, env: epoch }, "build", "--progress=plain", ...args));
    const empty = ["--cache-to", `${registry.host}/empty`, `${folder.path}/empty`];
    await build("one", ...empty);
    const first = await build("one", "--cache-to", `type=registry,ref=${ref},mode=max`, `${folder.path}/src`);
    const { success, stderr } = await new Deno.Command("skopeo", {
      args: ["copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", `docker://${ref}`, `docker://${other}`],
    }).output();
    assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
    const flags = ["--cache-from", `${registry.host}/empty`, "--cache-from", other];
    const second = await build("two", ...flags, `${folder.path}/src`);
    assertEquals([second.built, second.id], [[], first.id], second.stderr);
    assertEquals(second.stderr.includes("warning"), false, second.stderr);
  },
});

/** Pushes the base image, so that every machine can find it. */
async function offerBase(place: RunPlace, registry: RegistryServer): Promise<string> {
  const name = `${registry.host}/base:1`;
  await place.strata("tag", baseName, name);
  await place.strata("push", "-q", name);
  return name;
}

Deno.test({
  name: "commands are taken from a shared cache, and what one needs that has changed is fetched for it",
  ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
  fn: async () => {
    await using place = await makeRunPlace();
    await using registry = startRegistryServer();
    const base = await offerBase(place, registry);
    const ref = `${registry.host}/cache`;
    const text = (last: string): string =>
      [
        `FROM ${base} AS tools`,
        "RUN echo tools > /tool && echo more > /more",
        `FROM ${base}`,
        "WORKDIR /work",
        "COPY file /work/",
        "RUN cat file > copy",
        "RUN --mount=from=tools,source=/tool,target=/tool cat /tool > tool",
        "COPY --from=tools /more /",
        `RUN ${last}`,
      ].join("\n");
    const how = (root: string, ...flags: string[]) => ({
      root: `${place.path}/${root}`,
      env: epoch,
      files: { file: "content\n" },
      flags: ["--runtime=crun", ...flags],
    });
    const first = await place.build(
      text("cat copy tool > all"),
      how("one", "--cache-to", `type=registry,ref=${ref},mode=max`),
    );
    assertEquals([first.code, first.built.length], [0, 7], first.stderr);
    let seen = registry.requests.length;
    const second = await place.build(text("cat copy tool > all"), how("two", "--cache-from", ref));
    assertEquals([second.built, second.id], [[], first.id], second.stderr);
    // Config and layer of the base, the records, and six layers of the result; not that of the other stage.
    assertEquals(blobReads(registry, seen), 9);
    seen = registry.requests.length;
    const outputs = ["--cache-from", ref, "-o", "type=cacheonly"];
    const third = await place.build(text("cat copy tool /more && echo changed > all"), how("three", ...outputs));
    assertEquals(third.built, ["RUN cat copy tool /more && echo changed > all"], third.stderr);
    assertMatch(third.said, /content\ntools\nmore\n/);
    assertEquals(blobReads(registry, seen), 8);
    // Another command that gives the same files: what follows is found, although it could have run on them at once.
    const same = text("cat copy tool > all").replace("cat file > copy", "cat < file > copy");
    const other = await place.build(same, how("other", "--cache-from", ref));
    assertEquals([other.built, other.id.length > 0], [["RUN cat < file > copy"], true], other.stderr);
    // What came is in the store now and serves without the cache.
    const fourth = await place.build(text("cat copy tool /more && echo changed > all"), how("three"));
    assertEquals(fourth.built.includes("RUN cat file > copy"), false, fourth.stderr);
  },
});
