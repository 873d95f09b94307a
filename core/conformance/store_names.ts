import { assert, assertEquals } from "@std/assert";
import type { RegisterStoreTest } from "./store_place.ts";
import { assertCode, call, describe, listNames, makeBytes, putBytes } from "./store_tools.ts";

/** Tests of names. */
export function testStoreNames(test: RegisterStoreTest): void {
  testTags(test);
  testListing(test);
  testRevisions(test);
  testUpdates(test);
}

function testTags(test: RegisterStoreTest): void {
  test("resolve() gives what tag() was given, annotations and all", async (store) => {
    const descriptor = { ...await putBytes(store, makeBytes(10)), annotations: { a: "1", "ü": "\u{1F600}" } };
    await store.tag(descriptor, "ref/a", call);
    assertEquals(await store.resolve("ref/a", call), descriptor);
    assertEquals(await store.resolve("ref/b", call), undefined);
  });
  test("tag() replaces when the name is taken", async (store) => {
    const [first, second] = [await putBytes(store, makeBytes(10)), await putBytes(store, makeBytes(20))];
    await store.tag(first, "a", call);
    await store.tag(second, "a", call);
    assertEquals((await store.resolve("a", call))?.digest, second.digest);
    assertEquals(await listNames(store, ""), ["a"]);
  });
  test("tag() rejects when the content is missing or has another size", async (store) => {
    const present = await putBytes(store, makeBytes(10));
    await assertCode("NOT_FOUND", () => store.tag(describe(makeBytes(11)), "a", call));
    await assertCode("NOT_FOUND", () => store.tag({ ...present, size: 9 }, "a", call));
    assertEquals(await listNames(store, ""), []);
  });
  test("tag() rejects when the name is empty", async (store) => {
    const present = await putBytes(store, makeBytes(10));
    await assertCode("INVALID_ARGUMENT", () => store.tag(present, "", call));
  });
  test("untag() removes the name and says whether it was there", async (store) => {
    await store.tag(await putBytes(store, makeBytes(10)), "a", call);
    assert(await store.untag("a", call));
    assert(!await store.untag("a", call));
    assertEquals(await store.resolve("a", call), undefined);
  });
  test("names are seen by another process when they were written", async (store, place) => {
    await using other = await place.open();
    const descriptor = await putBytes(store, makeBytes(10));
    await store.tag(descriptor, "a", call);
    assertEquals(await other.resolve("a", call), descriptor);
    assert(await other.untag("a", call));
    assertEquals(await listNames(store, ""), []);
  });
}

function testRevisions(test: RegisterStoreTest): void {
  test(
    "revision() is another one after each change of a name, by whichever process, and the same without one",
    async (store, place) => {
      await using other = await place.open();
      const descriptor = await putBytes(store, makeBytes(10));
      const changes = [
        () => store.tag(descriptor, "a", call),
        () => other.tag(descriptor, "b", call),
        () => store.update([{ name: "a", descriptor: undefined }], call),
        () => other.untag("b", call),
      ];
      for (const [at, change] of changes.entries()) {
        const before = await Promise.all([store.revision(call), other.revision(call)]);
        assertEquals(await Promise.all([store.revision(call), other.revision(call)]), before);
        await change();
        const after = await Promise.all([store.revision(call), other.revision(call)]);
        assert(after[0] !== before[0] && after[1] !== before[1], `change ${at + 1} is not to be seen in it`);
      }
    },
  );
}

function testListing(test: RegisterStoreTest): void {
  // In UTF-16 the fourth would come before the third.
  const names = ["a", "a/b", "a\uFFFD", "a\u{1F600}", "a\u{10FFFF}", "a\u{10FFFF}b", "b", "\u{10FFFF}"];
  test("names() gives all names in bytewise order when the prefix is empty", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    for (const name of names.toReversed()) await store.tag(descriptor, name, call);
    assertEquals(await listNames(store, ""), names);
  });
  test("names() gives the names with the prefix and no others", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    for (const name of names) await store.tag(descriptor, name, call);
    for (const prefix of ["a", "a/", "a\uFFFD", "a\u{10FFFF}", "\u{10FFFF}", "b", "c", "A"]) {
      assertEquals(await listNames(store, prefix), names.filter((name) => name.startsWith(prefix)));
    }
  });
  test("names() takes every character of a prefix as it is", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    for (const name of ["%", "a%b", "axb", "a_b", "a*b", "a'b"]) await store.tag(descriptor, name, call);
    for (const prefix of ["%", "a%", "a_", "a*", "a'"]) assertEquals((await listNames(store, prefix)).length, 1);
  });
  test("names() gives descriptors and times", async (store) => {
    const descriptor = { ...await putBytes(store, makeBytes(10)), annotations: { a: "1" } };
    await store.tag(descriptor, "a", call);
    for await (const named of store.names("", call)) {
      assertEquals(named.descriptor, descriptor);
      assert(named.updatedAt === undefined || named.updatedAt.getTime() > 0);
    }
  });
}

function testUpdates(test: RegisterStoreTest): void {
  test("update() applies all changes", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    await store.update(["a", "b"].map((name) => ({ name, descriptor })), call);
    await store.update([
      { name: "a", descriptor: undefined },
      { name: "c", descriptor },
      { name: "d", descriptor: undefined },
    ], call);
    assertEquals(await listNames(store, ""), ["b", "c"]);
  });
  test("update() applies nothing when one change cannot be", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    await store.tag(descriptor, "a", call);
    await assertCode("NOT_FOUND", () =>
      store.update([
        { name: "a", descriptor: undefined },
        { name: "b", descriptor },
        { name: "c", descriptor: describe(makeBytes(11)) },
      ], call));
    assertEquals(await listNames(store, ""), ["a"]);
  });
  test("update() does nothing when there are no changes", async (store) => {
    await store.update([], call);
    assertEquals(await listNames(store, ""), []);
  });
}
