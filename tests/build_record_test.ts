/** Unchanged builds, which are replayed from a record of what they read; and everything that makes them build again. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { EngineEvent } from "../core/contract/mod.ts";
import type { BuildInput } from "../core/image/build_input.ts";
import type { BuildResult } from "../core/image/build_result.ts";
import { pruneCache } from "../core/image/cache_prune.ts";
import { removeImages } from "../core/image/remove.ts";
import { resetStore } from "../core/image/reset.ts";
import { tagImage } from "../core/image/tag.ts";
import { StoreAnnotation } from "../core/store/names.ts";
import { createTestCall } from "./helpers/build_fixture.ts";
import { build, filesOf, namesOf } from "./helpers/build_project.ts";
import { countParser } from "./helpers/counted_parser.ts";
import { putImage } from "./helpers/image_fixture.ts";
import { createTempEngine, type TempEngine } from "./helpers/temp_engine.ts";
import { writeFiles } from "./helpers/write_files.ts";

const project = {
  "Dockerfile": [
    "FROM base:1 AS tools",
    "ARG WHO=a",
    "COPY a.txt /work/",
    "FROM base:1",
    "ARG WHO=a",
    "LABEL who=$WHO",
    "COPY sub /sub",
    "COPY *.txt /all/",
    "COPY --from=tools /work /work",
    "WORKDIR /end",
    "MAINTAINER somebody",
  ].join("\n"),
  "a.txt": "a\n",
  "b.txt": "b\n",
  "sub/c.txt": "c\n",
  "other/unread": "u\n",
};

/** One build of a place. */
interface Built {
  readonly result: BuildResult;
  readonly events: readonly EngineEvent[];
  /** Whether the build file was parsed, so that nothing was replayed. */
  readonly isParsed: boolean;
}

interface Place {
  readonly engine: TempEngine;
  build(more?: Partial<BuildInput>): Promise<Built>;
}

/** A place whose project was built until its build is replayed. */
async function withRecord(test: (place: Place, replayed: Built) => Promise<void>): Promise<void> {
  const parser = countParser();
  await using engine = await createTempEngine({ plugins: parser.plugins });
  await putImage(engine.store, { layers: [{ "etc/base": "1" }], names: ["base:1"] }, createTestCall());
  await putImage(engine.store, { layers: [{ "etc/base": "2" }], names: ["base:2"] }, createTestCall());
  await writeFiles(engine.directory, project);
  const place: Place = {
    engine,
    build: async (more = {}) => {
      const call = createTestCall();
      const before = parser.count;
      const result = await build(engine, { tags: ["app"], ...more }, call);
      return { result, events: call.events, isParsed: parser.count > before };
    },
  };
  const first = await place.build();
  const cached = await place.build();
  const replayed = await place.build();
  assertEquals([first.isParsed, cached.isParsed, replayed.isParsed], [true, true, false]);
  assertEquals(shown(replayed), shown(cached));
  await test(place, replayed);
}

/** What a user sees of a build. Stages are built side by side, so only the order of one step's events is always the same. */
function shown({ result, events }: Built): unknown {
  const byStep = Object.groupBy(events, (event) => "step" in event ? event.step : event.type);
  return JSON.parse(JSON.stringify({ result, byStep, last: events.at(-1) }));
}

/** Checks that a build happens again in full, that it gives what one without a record gives, and is then remembered. */
async function assertBuiltAgain({ engine, build }: Place, more: Partial<BuildInput> = {}): Promise<Built> {
  const built = await build(more);
  assert(built.isParsed, "it is not replayed");
  const cached = await build(more);
  const names = await namesOf(engine, "build/");
  await engine.store.update(names.map((name) => ({ name, descriptor: undefined })), createTestCall());
  const unremembered = await build(more);
  assert(unremembered.isParsed);
  assertEquals(shown(cached), shown(unremembered));
  assertEquals(built.result.image?.id, unremembered.result.image?.id);
  return built;
}

async function touchAs(path: string, text: string): Promise<void> {
  const { atime, mtime } = await Deno.stat(path);
  await Deno.writeTextFile(path, text);
  assert(atime !== null && mtime !== null);
  await Deno.utime(path, atime, mtime);
}

Deno.test("a build is replayed with its warnings, and while it is, nothing in the store changes", async () => {
  await withRecord(async ({ engine, build }, { result, events }) => {
    assertEquals(result.steps, { total: 5, cached: 5, built: 0 });
    assertEquals(result.warnings.map(({ code }) => code), ["MaintainerDeprecated"]);
    assertEquals(events.at(-1)?.type, "step-ended");
    const before = await Array.fromAsync(engine.store.names("", createTestCall()));
    assertEquals((await build()).isParsed, false);
    assertEquals(await Array.fromAsync(engine.store.names("", createTestCall())), before);
  });
});

const edits: Readonly<Record<string, (directory: string) => Promise<void>>> = {
  "the build file, same size and time": (directory) =>
    touchAs(`${directory}/Dockerfile`, project.Dockerfile.replace("somebody", "nobodies")),
  "the build file replaced by a rename, same size and time": async (directory) => {
    const { atime, mtime } = await Deno.stat(`${directory}/Dockerfile`);
    await Deno.writeTextFile(`${directory}/new`, project.Dockerfile.replace("somebody", "nobodies"));
    assert(atime !== null && mtime !== null);
    await Deno.utime(`${directory}/new`, atime, mtime);
    await Deno.rename(`${directory}/new`, `${directory}/Dockerfile`);
  },
  "the base of the build file": (directory) =>
    touchAs(`${directory}/Dockerfile`, project.Dockerfile.replaceAll("base:1", "base:2")),
  "a .dockerignore that was not there": (directory) => Deno.writeTextFile(`${directory}/.dockerignore`, "b.txt"),
  "an ignore file of the build file's own": (directory) =>
    Deno.writeTextFile(`${directory}/Dockerfile.dockerignore`, "b.txt"),
  "a file of the context, same size and time": (directory) => touchAs(`${directory}/a.txt`, "A\n"),
  "a file below a folder": (directory) => touchAs(`${directory}/sub/c.txt`, "C\n"),
  "the mode of a file": (directory) => Deno.chmod(`${directory}/a.txt`, 0o600),
  "a file that a wildcard finds": (directory) => Deno.writeTextFile(`${directory}/new.txt`, "n\n"),
  "a file that is gone": (directory) => Deno.remove(`${directory}/b.txt`),
  "the build file behind a symlink": async (directory) => {
    await Deno.rename(`${directory}/Dockerfile`, `${directory}/linked`);
    await Deno.symlink("linked", `${directory}/Dockerfile`);
  },
};

for (const [what, edit] of Object.entries(edits)) {
  Deno.test(`a build is not replayed after a change: ${what}`, async () => {
    await withRecord(async (place) => {
      await edit(place.engine.directory);
      await assertBuiltAgain(place);
    });
  });
}

Deno.test("a build is not replayed when .dockerignore changes to other text of the same size and time", async () => {
  await withRecord(async (place) => {
    await writeFiles(place.engine.directory, { ".dockerignore": "a.txx\n" });
    for (let i = 0; i < 2; i++) await place.build();
    assertEquals((await place.build()).isParsed, false);
    await touchAs(`${place.engine.directory}/.dockerignore`, "b.txt\n");
    await assertBuiltAgain(place);
  });
});

Deno.test("a file that the build does not read may change", async () => {
  await withRecord(async ({ engine, build }) => {
    await writeFiles(engine.directory, { "other/unread": "changed\n", "other/more": "m\n" });
    assertEquals((await build()).isParsed, false);
  });
});

const inputs: Readonly<Record<string, Partial<BuildInput>>> = {
  "a build argument": { args: { WHO: "b" } },
  "the epoch": { args: { SOURCE_DATE_EPOCH: "1" } },
  "a label": { labels: { a: "b" } },
  "the target": { target: "tools" },
  "the platform": { platforms: [{ os: "linux", architecture: "arm64" }] },
  "two platforms": { platforms: [{ os: "linux", architecture: "arm64" }, { os: "linux", architecture: "amd64" }] },
  "no cache": { noCache: true },
  "no cache of a stage": { noCache: ["tools"] },
  "another name": { tags: ["other"] },
};

for (const [what, more] of Object.entries(inputs)) {
  Deno.test(`a build that is asked something else is not replayed: ${what}`, async () => {
    await withRecord(async ({ build }) => {
      assert((await build(more)).isParsed);
      assertEquals((await build()).isParsed, false, "what was remembered is replayed still");
    });
  });
}

Deno.test("a build whose image has another manifest now is not replayed", async () => {
  await withRecord(async ({ build }) => {
    const annotations = [{ scope: "manifest", key: "a", value: "b" }] as const;
    assert((await build({ annotations })).isParsed);
    assert((await build()).isParsed);
  });
});

Deno.test("a build is not replayed when another option of a plugin, alias or proxy is set", async () => {
  await withRecord(async ({ engine }) => {
    const others = [
      { pluginOptions: { "layer-copy": { maxUnpackedBytes: 1000 } } },
      { aliases: { short: "localhost/long" } },
      { proxy: { http: "http://localhost:1", none: [] } },
      { sourceDateEpoch: 5 },
    ];
    for (const config of others) {
      const parser = countParser();
      await using other = await createTempEngine({
        plugins: parser.plugins,
        config: { root: engine.config.root, ...config },
      });
      await build({ ...other, directory: engine.directory }, { tags: ["app"] });
      assertEquals(parser.count, 1, Object.keys(config)[0]);
    }
  });
});

Deno.test("a build is not replayed when its base has another image", async () => {
  await withRecord(async (place) => {
    const { engine } = place;
    const before = await place.build();
    await tagImage(engine, { source: "base:2", target: "base:1" }, createTestCall());
    const { result: { image } } = await assertBuiltAgain(place);
    assertNotEquals(image?.id, before.result.image?.id);
    assert(image !== undefined);
    assertEquals((await filesOf(engine, image.descriptor))["etc/base"], "2");
  });
});

Deno.test("a name that was moved or taken away is given again, without a build", async () => {
  await withRecord(async ({ engine, build }, { result }) => {
    const call = createTestCall();
    const name = "ref/docker.io/library/app:latest";
    const before = await engine.store.resolve(name, call);
    await tagImage(engine, { source: "base:2", target: "app" }, call);
    assertEquals((await build()).isParsed, false);
    assertEquals(await engine.store.resolve(name, call), before);
    await engine.store.untag(name, call);
    assertEquals((await build()).isParsed, false);
    assertEquals(await engine.store.resolve(name, call), before);
    assertEquals(before?.digest, result.image?.digest);
  });
});

const losses: Readonly<Record<string, (engine: TempEngine, built: Built) => Promise<unknown>>> = {
  "image rm": (engine) => removeImages(engine, { images: ["app"] }, createTestCall()),
  "cache prune --all": (engine) => pruneCache(engine, { all: true }, createTestCall()),
  "a cache record": async (engine) => {
    const [name = ""] = await namesOf(engine, "cache/");
    await engine.store.untag(name, createTestCall());
  },
  "a layer's file": async (engine) => {
    const [name = ""] = await namesOf(engine, "cache/");
    const layer = await engine.store.resolve(name, createTestCall());
    assert(layer !== undefined);
    await Deno.remove(engine.store.localPath(layer.digest) ?? "");
  },
  "the config's file": (engine, { result: { image } }) =>
    Deno.remove(image === undefined ? "" : engine.store.localPath(image.id) ?? ""),
};

for (const [what, lose] of Object.entries(losses)) {
  Deno.test(`a build is not replayed when something of it is gone: ${what}`, async () => {
    await withRecord(async (place, replayed) => {
      await lose(place.engine, replayed);
      assert((await place.build()).isParsed);
    });
  });
}

Deno.test("records go with the image, with the cache and with everything", async () => {
  await withRecord(async ({ engine }) => {
    await removeImages(engine, { images: ["app"] }, createTestCall());
    assertEquals(await namesOf(engine, "build/"), []);
  });
  await withRecord(async ({ engine }) => {
    assertEquals((await namesOf(engine, "build/")).length, 1);
    await pruneCache(engine, { all: true }, createTestCall());
    assertEquals(await namesOf(engine, "build/"), []);
  });
  await withRecord(async ({ engine }) => {
    await resetStore(engine, {}, createTestCall());
    assertEquals(await namesOf(engine, "build/"), []);
  });
});

Deno.test("a damaged record is as none, and is written anew", async () => {
  await withRecord(async ({ engine, build }) => {
    const call = createTestCall();
    const [name = ""] = await namesOf(engine, "build/");
    const record = await engine.store.resolve(name, call);
    assert(record !== undefined);
    const text = record.annotations?.[StoreAnnotation.buildRecord] ?? "";
    for (const damaged of ["", "{", "null", "{}", text.slice(1), text.replace("linux", "linuy")]) {
      const annotations = { ...record.annotations, [StoreAnnotation.buildRecord]: damaged };
      await engine.store.update([{ name, descriptor: { ...record, annotations } }], call);
      assert((await build()).isParsed, damaged.slice(0, 20));
      assertEquals((await build()).isParsed, false);
    }
  });
});

Deno.test("two builds at once of what is remembered, and of what is not, give the same", async () => {
  await withRecord(async (place, { result }) => {
    const both = await Promise.all([place.build(), place.build()]);
    assertEquals(both.map((each) => each.result.image?.id), [result.image?.id, result.image?.id]);
    await writeFiles(place.engine.directory, { "a.txt": "other\n" });
    const [one, two] = await Promise.all([place.build(), place.build()]);
    assertEquals(one.result.image?.id, two.result.image?.id);
    assertNotEquals(one.result.image?.id, result.image?.id);
  });
});

Deno.test("a build of a folder that is gone fails as it does without a record", async () => {
  await withRecord(async ({ engine, build }) => {
    await Deno.writeTextFile(`${engine.directory}-file`, "FROM base:1\nCOPY a.txt /\n");
    const input = { file: { type: "path", path: `${engine.directory}-file` } } as const;
    for (let i = 0; i < 3; i++) await build(input);
    assertEquals((await build(input)).isParsed, false);
    await Deno.remove(engine.directory, { recursive: true });
    const code = await build(input).catch((error) => error.code);
    await Deno.mkdir(engine.directory);
    assertEquals(code, "NOT_FOUND");
  });
});

Deno.test("a store keeps a bounded number of records, the newest", async () => {
  await withRecord(async ({ engine, build }) => {
    const call = createTestCall();
    const [name = ""] = await namesOf(engine, "build/");
    const descriptor = await engine.store.resolve(name, call);
    const old = Array.from({ length: 300 }, (_, i) => ({ name: `build/old${i}`, descriptor }));
    await engine.store.update(old, call);
    for (let i = 0; i < 2; i++) await build({ labels: { more: "yes" } });
    assertEquals((await namesOf(engine, "build/")).length, 200);
    assertEquals((await build({ labels: { more: "yes" } })).isParsed, false);
  });
});
