import { assertEquals } from "@std/assert";
import {
  type Answer,
  answerOf,
  type Ask,
  sendBlob,
  sendImage,
  sendManifest,
} from "../../../tests/helpers/registry_client.ts";
import { createTempEngine, type TempEngine, testCall } from "../../../tests/helpers/temp_engine.ts";
import { diskUsage } from "../../image/disk_usage.ts";
import { listImages } from "../../image/list.ts";
import { pruneImages } from "../../image/prune.ts";
import { removeImages } from "../../image/remove.ts";
import { MediaType } from "../../oci/media_type.ts";
import { createApi } from "../api.ts";

interface Place extends AsyncDisposable {
  readonly engine: TempEngine;
  readonly ask: Ask;
  /** Status of a request. */
  status(path: string, init?: RequestInit): Promise<number>;
  /** Names of `image ls --all`, sorted. */
  listed(): Promise<readonly string[]>;
}

async function openPlace(options: { readonly isReadonly?: boolean } = {}): Promise<Place> {
  const engine = await createTempEngine();
  const stop = new AbortController();
  const app = createApi(engine, { faces: ["registry"], signal: stop.signal, ...options });
  const ask: Ask = (path, init) => app.request(path, init);
  return {
    engine,
    ask,
    status: async (path, init) => (await answerOf(ask(path, init))).status,
    listed: async () => {
      const { rows } = await listImages(engine, { all: true }, testCall());
      return rows.map(({ repository, tag }) => `${repository}:${tag}`).sort();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await engine[Symbol.asyncDispose]();
    },
  };
}

const del = { method: "DELETE" };

Deno.test("a registry's repositories are called as images are on a command line", async () => {
  await using place = await openPlace();
  const { ask, status } = place;
  await sendImage(ask, { repository: "app", tag: "1" }, "a");
  await sendImage(ask, { repository: "ghcr.io/team/app", tag: "2" }, "b");
  await sendImage(ask, { repository: "team/app", tag: "3" }, "c");
  assertEquals(await place.listed(), ["app:1", "ghcr.io/team/app:2", "team/app:3"]);
  const same = await Promise.all(["app", "library/app", "docker.io/library/app"].map((name) => {
    return status(`/v2/${name}/manifests/1`);
  }));
  assertEquals(same, [200, 200, 200]);
  const catalog = JSON.parse((await answerOf(ask("/v2/_catalog"))).text);
  assertEquals(catalog, { repositories: ["app", "ghcr.io/team/app", "team/app"] });
  const first = await answerOf(ask("/v2/_catalog?n=2"));
  assertEquals(first.headers.get("link"), '</v2/_catalog?n=2&last=ghcr.io%2Fteam%2Fapp>; rel="next"');
  for (const name of ["App", "a//b", "-a", "a..b"]) {
    assertEquals((await answerOf(ask(`/v2/${name}/tags/list`))).code, "NAME_INVALID", name);
  }
  assertEquals((await answerOf(ask("/v2/none/tags/list"))).code, "NAME_UNKNOWN");
});

Deno.test("a registry gives pages of tags in order", async () => {
  await using place = await openPlace();
  const { ask } = place;
  for (const tag of ["b", "A", "c", "a"]) await sendImage(ask, { repository: "app", tag }, "x");
  const tags = async (query: string): Promise<readonly [string[], string | null]> => {
    const answer = await answerOf(ask(`/v2/app/tags/list${query}`));
    return [JSON.parse(answer.text).tags, answer.headers.get("link")];
  };
  assertEquals(await tags(""), [["A", "a", "b", "c"], null]);
  assertEquals(await tags("?n=2"), [["A", "a"], '</v2/app/tags/list?n=2&last=a>; rel="next"']);
  assertEquals(await tags("?n=2&last=a"), [["b", "c"], null]);
  assertEquals(await tags("?last=b"), [["c"], null]);
  assertEquals(await tags("?n=0"), [[], null]);
  assertEquals((await answerOf(ask("/v2/app/tags/list?n=x"))).status, 400);
});

Deno.test("a repository has only what was sent to it or what its images need", async () => {
  await using place = await openPlace();
  const { ask, status } = place;
  const blob = await sendBlob(ask, "one", "blob");
  const other = await place.engine.store.ingest(new Blob(["cache"]).stream(), MediaType.octetStream, testCall());
  assertEquals(await status(`/v2/one/blobs/${blob.digest}`), 200);
  assertEquals(await status(`/v2/two/blobs/${blob.digest}`), 404);
  assertEquals(await status(`/v2/one/blobs/${other.digest}`), 404);
  const mount = (query: string): Promise<number> => status(`/v2/two/blobs/uploads/?${query}`, { method: "POST" });
  assertEquals(await mount(`mount=${other.digest}&from=one`), 202);
  assertEquals(await mount(`mount=${blob.digest}&from=three`), 202);
  assertEquals(await mount(`mount=${blob.digest}&from=NONE`), 202);
  assertEquals(await status(`/v2/two/blobs/${blob.digest}`), 404);
  assertEquals(await mount(`mount=${blob.digest}&from=one`), 201);
  assertEquals(await status(`/v2/two/blobs/${blob.digest}`), 200);
  assertEquals(await status(`/v2/one/blobs/${blob.digest}`, del), 202);
  assertEquals(await status(`/v2/one/blobs/${blob.digest}`), 404);
  assertEquals(await status(`/v2/two/blobs/${blob.digest}`), 200);
  assertEquals(await mount("mount=none"), 400);
});

Deno.test("an image that loses its tag stays in the repository by its digest, until it is deleted", async () => {
  await using place = await openPlace();
  const { ask, status } = place;
  const first = await sendImage(ask, { repository: "app", tag: "1" }, "first");
  const second = await sendImage(ask, { repository: "app", tag: "1" }, "second");
  assertEquals(await status(`/v2/app/manifests/${first.digest}`), 200);
  assertEquals(await place.listed(), ["app:1", "app:undefined"]);
  await pruneImages(place.engine, {}, testCall());
  assertEquals(await status(`/v2/app/manifests/${first.digest}`), 200);
  assertEquals(await status(`/v2/app/manifests/${first.digest}`, del), 202);
  assertEquals(await status(`/v2/app/manifests/${first.digest}`), 404);
  assertEquals(await status(`/v2/app/manifests/1`, del), 202);
  assertEquals(await status(`/v2/app/manifests/1`), 404);
  assertEquals(await status(`/v2/app/manifests/1`, del), 404);
  assertEquals(await status(`/v2/app/manifests/${second.digest}`), 200);
  assertEquals(JSON.parse((await answerOf(ask("/v2/app/tags/list"))).text).tags, []);
  assertEquals(await status(`/v2/app/manifests/${second.digest}`, del), 202);
  assertEquals(await place.listed(), []);
  assertEquals((await Array.fromAsync(place.engine.store.blobs(testCall()))).length, 0);
});

Deno.test("what an index lists belongs to it", async () => {
  await using place = await openPlace();
  const { ask, status } = place;
  const children = [await sendImage(ask, { repository: "app" }, "a"), await sendImage(ask, { repository: "app" }, "b")];
  assertEquals(await place.listed(), ["app:undefined", "app:undefined"]);
  const index = await sendManifest(ask, { repository: "app", tag: "1" }, {
    mediaType: MediaType.index,
    manifests: children.map((child) => ({ ...child, platform: { os: "linux", architecture: "amd64" } })),
  });
  assertEquals(index.status, 201);
  assertEquals(await place.listed(), ["app:1"]);
  const child = children[0]?.digest ?? "";
  assertEquals(await status(`/v2/app/manifests/${child}`), 200);
  const refused = await answerOf(ask(`/v2/app/manifests/${child}`, del));
  assertEquals([refused.status, refused.code], [405, "UNSUPPORTED"]);
  assertEquals(await status(`/v2/app/manifests/${index.sent.digest}`, del), 202);
  assertEquals(await status(`/v2/app/manifests/${child}`), 404);
  assertEquals((await Array.fromAsync(place.engine.store.blobs(testCall()))).length, 0);
});

Deno.test("a manifest is refused when it is broken, too large or refers to what is not there", async () => {
  await using place = await openPlace();
  const { ask } = place;
  const put = async (body: string, type: string = MediaType.manifest, tag = "1"): Promise<Answer> =>
    await answerOf(ask(`/v2/app/manifests/${tag}`, { method: "PUT", body, headers: { "content-type": type } }));
  const refused = async (answer: Promise<Answer>, status: number, code: string): Promise<void> => {
    const { status: actual, code: actualCode, text } = await answer;
    assertEquals([actual, actualCode], [status, code], text);
  };
  await refused(put("{"), 400, "MANIFEST_INVALID");
  await refused(put('{"schemaVersion":1}'), 400, "MANIFEST_INVALID");
  await refused(put('{"schemaVersion":2,"manifests":[]}', "text/plain"), 400, "MANIFEST_INVALID");
  await refused(
    put(`{"schemaVersion":2,"mediaType":"${MediaType.manifest}","manifests":[]}`, MediaType.index),
    400,
    "MANIFEST_INVALID",
  );
  await refused(put(`{"a":"${"x".repeat(4 * 1024 * 1024)}"}`), 413, "SIZE_INVALID");
  await refused(put("{}", MediaType.manifest, "bad!tag"), 400, "MANIFEST_INVALID");
  await refused(put("{}", MediaType.manifest, "sha256:0"), 400, "DIGEST_INVALID");
  await refused(put("{}", MediaType.manifest, `sha256:${"0".repeat(64)}`), 400, "DIGEST_INVALID");
  const there = await sendBlob(ask, "app", "there");
  const missing = { mediaType: MediaType.layer, digest: `sha256:${"1".repeat(64)}`, size: 3 };
  const lacking = await sendManifest(ask, { repository: "app", tag: "1" }, {
    config: { ...there, size: 1 },
    layers: [there, missing, { ...missing, urls: ["https://example.com/layer"] }],
  });
  assertEquals([lacking.status, lacking.code], [400, "MANIFEST_BLOB_UNKNOWN"]);
  const named = JSON.parse(lacking.text).errors.map(({ detail }: { detail: { digest: string } }) => detail.digest);
  assertEquals(named, [there.digest, missing.digest]);
  const sparse = await sendManifest(ask, { repository: "app", tag: "1" }, {
    manifests: [{ ...missing, mediaType: MediaType.manifest }],
  });
  assertEquals(sparse.code, "MANIFEST_BLOB_UNKNOWN");
  assertEquals(await place.listed(), []);
});

Deno.test("an artifact whose config is no image config harms nothing", async () => {
  await using place = await openPlace();
  const { ask, status } = place;
  await sendImage(ask, { repository: "app", tag: "1" }, "x");
  const config = await sendBlob(ask, "odd", '"no object"');
  const odd = await sendManifest(ask, { repository: "odd", tag: "1" }, {
    config: { ...config, mediaType: MediaType.config },
    layers: [],
  });
  assertEquals(odd.status, 201);
  assertEquals(await place.listed(), ["app:1", "odd:1"]);
  assertEquals((await diskUsage(place.engine, { verbose: true }, testCall())).images?.length, 2);
  await removeImages(place.engine, { images: ["app:1"] }, testCall());
  await pruneImages(place.engine, {}, testCall());
  assertEquals(await status("/v2/odd/manifests/1"), 200);
  assertEquals(await status(`/v2/odd/manifests/${odd.sent.digest}`, del), 202);
  assertEquals((await Array.fromAsync(place.engine.store.blobs(testCall()))).length, 0);
});

Deno.test("a registry lists what is about an image, whether that is there or not", async () => {
  await using place = await openPlace();
  const { ask } = place;
  const subject = { mediaType: MediaType.manifest, digest: `sha256:${"2".repeat(64)}`, size: 10 };
  const empty = await sendBlob(ask, "app", "{}");
  const config = { ...empty, mediaType: MediaType.empty };
  const made = await Promise.all(
    ["text/a", "text/b"].map((artifactType) =>
      sendManifest(ask, { repository: "app" }, {
        artifactType,
        config,
        layers: [config],
        subject,
        annotations: { of: artifactType },
      })
    ),
  );
  assertEquals(made.map(({ headers }) => headers.get("oci-subject")), [subject.digest, subject.digest]);
  const list = async (query = ""): Promise<{ types: string[]; headers: Headers }> => {
    const { text, headers } = await answerOf(ask(`/v2/app/referrers/${subject.digest}${query}`));
    const { manifests } = JSON.parse(text);
    return { types: manifests.map(({ artifactType }: { artifactType: string }) => artifactType).sort(), headers };
  };
  assertEquals((await list()).types, ["text/a", "text/b"]);
  const chosen = await list("?artifactType=text/a");
  assertEquals(chosen.types, ["text/a"]);
  assertEquals(chosen.headers.get("oci-filters-applied"), "artifactType");
  const page = await list("?n=1");
  assertEquals(page.types.length, 1);
  const next = /<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? "";
  const rest = JSON.parse((await answerOf(ask(next))).text).manifests;
  assertEquals([...page.types, rest[0].artifactType].sort(), ["text/a", "text/b"]);
  assertEquals((await answerOf(ask("/v2/app/referrers/sha256:0"))).status, 400);
  assertEquals((await answerOf(ask(`/v2/none/referrers/${subject.digest}`))).status, 200);
});

Deno.test("a read-only registry takes nothing", async () => {
  await using place = await openPlace({ isReadonly: true });
  for (
    const [method, path] of [["POST", "blobs/uploads/"], ["PUT", "manifests/1"], ["DELETE", "manifests/1"], [
      "PATCH",
      "x",
    ]]
  ) {
    const answer = await answerOf(place.ask(`/v2/app/${path}`, { method: method ?? "" }));
    assertEquals([answer.status, answer.code], [405, "UNSUPPORTED"], method);
  }
  assertEquals(await place.status("/v2/"), 200);
});
