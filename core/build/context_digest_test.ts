import { assert, assertEquals, assertRejects } from "@std/assert";
import { openFixture } from "../../tests/helpers/context_fixture.ts";
import { EngineError } from "../errors.ts";
import { sha256 } from "../oci/digest.ts";
import { digestFiles } from "./context_digest.ts";
import { ContextFiles } from "./context_file.ts";
import { createRules } from "./context_rules.ts";
import { compileIgnore } from "../path/match.ts";
import { walkContext, type WalkItem } from "./context_walk.ts";
import { type DigestDatabase, openDigestDatabase } from "./digest_database.ts";

/** Many small files, folders, links, empty, large and equal ones among them. */
function manyFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  for (let i = 0; i < 3000; i++) {
    const size = i % 100 === 7 ? 300_000 : i % 50 === 3 ? 100_000 : i % 10 === 0 ? 0 : i % 97;
    files[`d${i % 13}/sub/f${i}`] = `${i % 7}`.repeat(size);
  }
  return files;
}

const rules = createRules(compileIgnore([]), true);
const signal = new AbortController().signal;

interface Given {
  readonly path: string;
  readonly digest: string | undefined;
  readonly size: number | undefined;
}

/** What digestFiles() gives for all files below a root. */
async function given(
  root: ReturnType<typeof openFixture>["root"],
  { database, ...options }: { readonly database?: DigestDatabase; readonly signal?: AbortSignal } = {},
): Promise<readonly Given[]> {
  const found: Given[] = [];
  const items: readonly WalkItem[] = [...walkContext(".", rules, (directory) => root.scan(directory))];
  await digestFiles(items, {
    files: new ContextFiles(root),
    root: root.path,
    database,
    startedAt: new Date(Date.now() + 3_600_000),
    signal: options.signal ?? signal,
    scans: new Map(),
    add: (entry, digest) =>
      void found.push({ path: entry.path, digest, size: entry.type === "file" ? entry.size : undefined }),
  });
  assertEquals(found.map(({ path }) => path), items.map(({ path }) => path));
  return found;
}

Deno.test("digestFiles() gives every item in order with the digest of its content", async () => {
  const files = manyFiles();
  using fixture = openFixture(files);
  Deno.symlinkSync("f1", `${fixture.path}/d1/sub/link`);
  Deno.linkSync(`${fixture.path}/d1/sub/f1`, `${fixture.path}/d2/hard`);
  const digests = new Map(
    await Promise.all(Object.entries(files).map(async ([path, text]) => [path, await sha256(text)] as const)),
  );
  const found = await given(fixture.root);
  for (const { path, digest, size } of found) {
    assertEquals([digest, size], [digests.get(path), files[path]?.length], path);
  }
  assertEquals(found.filter(({ digest }) => digest !== undefined).length, 3000);
});

Deno.test("digestFiles() remembers what it read, and gives what is known between what is not", async () => {
  using fixture = openFixture(manyFiles());
  using database = openDigestDatabase(`${fixture.path}/../known.sqlite`, () => new Date(Date.now() + 3_600_000));
  const first = await given(fixture.root, { database });
  let opened = fixture.opened;
  assertEquals(await given(fixture.root, { database }), first);
  assertEquals(fixture.opened, opened);
  // Every second file is new.
  for (let i = 0; i < 3000; i += 2) fixture.write(`d${i % 13}/sub/f${i}`, `changed ${i}`);
  opened = fixture.opened;
  const second = await given(fixture.root, { database });
  assertEquals(fixture.opened - opened, 1500);
  const before = new Map(first.map(({ path, digest }) => [path, digest]));
  const changed = second.filter(({ path, digest }) => before.get(path) !== digest).map(({ path }) => path);
  assertEquals(changed.length, 1500);
  assertEquals(await given(fixture.root), second);
});

Deno.test("digestFiles() ends when it is canceled in the middle of many files", async () => {
  using fixture = openFixture(manyFiles());
  const items = [...walkContext(".", rules, (directory) => fixture.root.scan(directory))];
  const controller = new AbortController();
  const digest = async (add: () => void): Promise<void> => {
    await digestFiles(items, {
      files: new ContextFiles(fixture.root),
      root: fixture.path,
      database: undefined,
      startedAt: new Date(),
      signal: controller.signal,
      scans: new Map(),
      add,
    });
  };
  let count = 0;
  await assertRejects(() => digest(() => void (count++ === 1200 && controller.abort())), EngineError, "canceled");
  assert(count < items.length);
});

Deno.test("digestFiles() rejects CONFLICT when a file of many has changed since it was seen", async () => {
  using fixture = openFixture(manyFiles());
  const items = [...walkContext(".", rules, (directory) => fixture.root.scan(directory))];
  const late = items.filter(({ stat }) => stat.type === "file").at(-2);
  assert(late !== undefined);
  fixture.write(late.path, "something else");
  const error = await assertRejects(() =>
    digestFiles(items, {
      files: new ContextFiles(fixture.root),
      root: fixture.path,
      database: undefined,
      startedAt: new Date(),
      signal,
      scans: new Map(),
      add: () => {},
    }), EngineError);
  assertEquals(error.code, "CONFLICT");
  assert(error.message.includes(late.path), error.message);
});
