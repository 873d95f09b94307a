import { assert, assertEquals } from "@std/assert";
import type { Digest } from "../oci/descriptor.ts";
import { type KnownFile, openDigestDatabase } from "./digest_database.ts";

const digest: Digest = `sha256:${"ab".repeat(32)}`;
const start = new Date("2030-01-01T00:00:00Z");
const known: KnownFile = { state: "1 2.3", digest, xattrs: { "user.x": new Uint8Array([1, 2, 255]) } };
const plain: KnownFile = { state: "4", digest, xattrs: undefined };

async function withPath(run: (path: string) => void | Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(`${directory}/context.sqlite`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("openDigestDatabase() knows again what was remembered when it is opened anew", () =>
  withPath((path) => {
    {
      using database = openDigestDatabase(path, () => start);
      database.remember(new Map([["/a/b", new Map([["one\n", known], ["two", plain]])]]));
      database.rememberSelection("key", { fingerprint: "ff", digest });
    }
    using database = openDigestDatabase(path, () => start);
    assertEquals([...database.directory("/a/b")], [["one\n", known], ["two", plain]]);
    assertEquals(database.selection("key", "/a"), { fingerprint: "ff", digest });
    assertEquals(database.directory("/a").size, 0);
    assertEquals(database.selection("other", "/a"), undefined);
  }));

Deno.test("openDigestDatabase() begins anew when the file is damaged", () =>
  withPath((path) => {
    {
      using database = openDigestDatabase(path, () => start);
      database.remember(new Map([["/a", new Map([["one", known]])]]));
    }
    for (const content of ["not a database, but longer than a header of one would be".repeat(50), "x"]) {
      Deno.writeTextFileSync(path, content);
      using database = openDigestDatabase(path, () => start);
      assertEquals(database.directory("/a").size, 0);
      database.remember(new Map([["/a", new Map([["one", known]])]]));
      assertEquals(database.directory("/a").get("one"), known);
    }
  }));

Deno.test("openDigestDatabase() begins anew when pages in the middle are damaged", () =>
  withPath((path) => {
    {
      using database = openDigestDatabase(path, () => start);
      const files = new Map(Array.from({ length: 2000 }, (_, i) => [`file-${i}`, known]));
      database.remember(new Map(Array.from({ length: 5 }, (_, i) => [`/a/${i}`, files])));
    }
    const bytes = Deno.readFileSync(path);
    bytes.fill(0x5a, 4096, bytes.length);
    Deno.writeFileSync(path, bytes);
    using database = openDigestDatabase(path, () => start);
    for (let i = 0; i < 5; i++) assertEquals(database.directory(`/a/${i}`).get("file-1"), undefined);
    database.rememberSelection("key", { fingerprint: "ff", digest });
    assertEquals(database.selection("key", "/a")?.fingerprint, "ff");
  }));

Deno.test("openDigestDatabase() knows nothing and does not fail when its place cannot be used", () => {
  using database = openDigestDatabase("/nonexistent/directory/context.sqlite", () => start);
  database.remember(new Map([["/a", new Map([["one", known]])]]));
  database.rememberSelection("key", { fingerprint: "ff", digest });
  assertEquals(database.directory("/a").size, 0);
  assertEquals(database.selection("key", "/a"), undefined);
});

Deno.test("openDigestDatabase() goes on when the file is removed while it is open", () =>
  withPath((path) => {
    using database = openDigestDatabase(path, () => start);
    database.directory("/a");
    for (const suffix of ["", "-wal", "-shm"]) Deno.removeSync(path + suffix);
    database.remember(new Map([["/a", new Map([["one", known]])]]));
    using other = openDigestDatabase(path, () => start);
    assertEquals(other.directory("/a").size, 0);
  }));

Deno.test("openDigestDatabase() forgets what was not used for a month when it writes", () =>
  withPath((path) => {
    let now = start;
    using database = openDigestDatabase(path, () => now);
    database.remember(new Map([["/old", new Map([["f", plain]])], ["/used/sub", new Map([["f", plain]])]]));
    database.rememberSelection("old", { fingerprint: "1", digest });
    database.rememberSelection("used", { fingerprint: "2", digest });
    now = new Date(start.getTime() + 20 * 86_400_000);
    assert(database.selection("used", "/used") !== undefined);
    now = new Date(start.getTime() + 40 * 86_400_000);
    database.remember(new Map([["/new", new Map([["f", plain]])]]));
    assertEquals(database.selection("old", "/old"), undefined);
    assertEquals(database.directory("/old").size, 0);
    assertEquals(database.selection("used", "/used")?.fingerprint, "2");
    assertEquals(database.directory("/used/sub").size, 1);
  }));

Deno.test("openDigestDatabase() serves several at once when they write the same", () =>
  withPath((path) => {
    using first = openDigestDatabase(path, () => start);
    using second = openDigestDatabase(path, () => start);
    for (let i = 0; i < 20; i++) {
      first.remember(new Map([[`/a${i}`, new Map([["one", known]])]]));
      second.remember(new Map([[`/a${i}`, new Map([["two", plain]])]]));
    }
    assertEquals([...first.directory("/a7").keys()], ["two"]);
  }));
