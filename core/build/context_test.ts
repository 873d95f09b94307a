import { assert, assertEquals, assertRejects } from "@std/assert";
import { createMemoryStore } from "../../tests/helpers/memory_store.ts";
import { directory, file, hardlink, symlink } from "../../tests/helpers/memory_tree.ts";
import { isMissing, peers } from "../../tests/helpers/require.ts";
import type { ByteStream, Call, LayerEntry, Store, Tree } from "../contract/mod.ts";
import { EngineError, type ErrorCode } from "../errors.ts";
import { collect } from "../stream/collect.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { writeTar } from "../tar/write.ts";
import {
  findBuildFile,
  openContext,
  type OpenContextOptions,
  type OpenedContext,
  parseContextSource,
} from "./context.ts";

const call: Call = { signal: new AbortController().signal, emit: () => {} };
const encoder = new TextEncoder();

const entries: readonly LayerEntry[] = [
  file("Dockerfile", "FROM scratch\n"),
  directory("src"),
  file("src/a", "one", { uid: 5, gid: 6, mode: 0o700 }),
  hardlink("src/b", "src/a"),
  symlink("up", "../../etc"),
];

function optionsWith(more: Partial<OpenContextOptions> = {}): OpenContextOptions & { readonly store: Store } {
  const download = (): Promise<ByteStream> => Promise.reject(new EngineError("NETWORK_FAILED", "no network"));
  return { store: createMemoryStore(), clock: () => new Date(), download, ...more };
}

async function* stream(items: readonly LayerEntry[]): AsyncGenerator<LayerEntry> {
  yield* items;
}

async function tarOf(items: readonly LayerEntry[] = entries): Promise<Uint8Array<ArrayBuffer>> {
  return await collect(writeTar(stream(items), call), 1 << 24);
}

async function compress(bytes: Uint8Array<ArrayBuffer>, format: "gzip"): Promise<Uint8Array<ArrayBuffer>> {
  return await collect(streamOf(bytes).pipeThrough(new CompressionStream(format)), 1 << 24);
}

async function paths(tree: Tree): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of tree.walk(".", {}, call)) found.push(entry.path);
  return found;
}

async function rejectsWith(code: ErrorCode, run: () => Promise<unknown>): Promise<EngineError> {
  const error = await assertRejects(run, EngineError);
  assertEquals(error.code, code, error.message);
  return error;
}

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("parseContextSource() tells directories, repositories and downloads apart", () =>
  withDirectory((directory) => {
    assertEquals(parseContextSource(directory), { type: "directory", path: directory });
    assertEquals(parseContextSource("absent/dir"), { type: "directory", path: "absent/dir" });
    assertEquals(parseContextSource("https://h/r.git#x"), { type: "git", url: "https://h/r.git#x" });
    assertEquals(parseContextSource("https://h/r.git?ref=x&subdir=y&commit=abcd"), {
      type: "git",
      url: "https://h/r.git#x:y",
      checksum: "abcd",
    });
    assertEquals(parseContextSource("github.com/o/r"), { type: "git", url: "github.com/o/r" });
    assertEquals(parseContextSource("https://h/c.tar.gz"), { type: "url", url: "https://h/c.tar.gz" });
    return Promise.resolve();
  }));

Deno.test("openContext() reads a directory and its files when patterns leave some out", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/dockerfile`, "FROM scratch");
    await Deno.writeTextFile(`${directory}/.dockerignore`, "dockerfile");
    await Deno.mkdir(`${directory}/sub`);
    await Deno.symlink("../.dockerignore", `${directory}/sub/link`);
    const stateDirectory = `${directory}.state`;
    {
      await using context = await openContext(
        { type: "directory", path: directory },
        optionsWith({ stateDirectory }),
        call,
      );
      assertEquals(await paths(context.tree(["dockerfile", ".dockerignore"])), ["sub", "sub/link"]);
      assertEquals(await findBuildFile(context, undefined, call), { path: "dockerfile", text: "FROM scratch" });
      assertEquals(await context.readFile("/sub/../sub/link", call), "dockerfile");
      assertEquals(await context.readFile("absent/file", call), undefined);
      const digest = await context.tree([]).digest(".", {}, call);
      assertEquals(await context.tree([]).digest(".", {}, call), digest);
      assert(Deno.statSync(`${stateDirectory}/context.sqlite`).isFile);
    }
    await Deno.remove(stateDirectory, { recursive: true });
  }));

Deno.test("openContext() prefers Dockerfile when both spellings are there", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/Dockerfile`, "upper");
    await Deno.writeTextFile(`${directory}/dockerfile`, "lower");
    await using context = await openContext({ type: "directory", path: directory }, optionsWith(), call);
    assertEquals((await findBuildFile(context, undefined, call))?.text, "upper");
    assertEquals((await findBuildFile(context, "dockerfile", call))?.text, "lower");
    assertEquals(await findBuildFile(context, "other", call), undefined);
  }));

Deno.test("openContext() rejects what is no small text file when it is read", () =>
  withDirectory(async (directory) => {
    await Deno.mkdir(`${directory}/sub`);
    await Deno.writeFile(`${directory}/binary`, new Uint8Array([0xff, 0xfe]));
    await Deno.writeFile(`${directory}/big`, new Uint8Array(1024 * 1024 + 1));
    await Deno.symlink("/etc/passwd", `${directory}/outside`);
    await using context = await openContext({ type: "directory", path: directory }, optionsWith(), call);
    const messages: string[] = [];
    for (const path of ["sub", "binary", "big"]) {
      messages.push((await rejectsWith("INVALID_ARGUMENT", () => context.readFile(path, call))).message);
    }
    assertEquals(messages, [
      'Cannot read "sub": it is a directory, expected a file',
      'Cannot read "binary": it is not UTF-8 text',
      'Cannot read "big": it is larger than 1048576 bytes',
    ]);
    assertEquals(await context.readFile("outside", call), undefined);
  }));

Deno.test("openContext() rejects NOT_FOUND when the directory is absent or a file", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    for (const path of [`${directory}/absent`, `${directory}/file`]) {
      await rejectsWith("NOT_FOUND", () => openContext({ type: "directory", path }, optionsWith(), call));
    }
  }));

async function checkArchive(context: OpenedContext): Promise<void> {
  assertEquals(await paths(context.tree([])), entries.map(({ path }) => path));
  assertEquals(await context.readFile("Dockerfile", call), "FROM scratch\n");
  assertEquals(new TextDecoder().decode(await collect(await context.tree([]).read("src/b", call), 10)), "one");
}

Deno.test("openContext() reads an archive when it is plain or compressed", async () => {
  const tar = await tarOf();
  for (const bytes of [tar, await compress(tar, "gzip")]) {
    await using context = await openContext({ type: "tar", stream: streamOf(bytes) }, optionsWith(), call);
    await checkArchive(context);
  }
});

Deno.test("openContext() leaves out what patterns say when the context is an archive", async () => {
  const tar = await tarOf();
  await using context = await openContext({ type: "tar", stream: streamOf(tar) }, optionsWith(), call);
  const tree = context.tree(["Dockerfile", "src", "!src/b", "up"]);
  assertEquals(await paths(tree), ["src", "src/b"]);
  const moved = await tree.stat("src/b", call);
  assertEquals(moved?.type === "file" && [moved.mode, moved.size], [0o700, 3]);
  assertEquals(new TextDecoder().decode(await collect(await tree.read("src/b", call), 10)), "one");
  assertEquals(await context.readFile("Dockerfile", call), "FROM scratch\n");
});

Deno.test("openContext() takes names as they are when an archive has some that would be whiteouts in a layer", async () => {
  const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  const content = encoder.encode("x");
  const tar = await tarOf(
    ["a", "d/.wh..wh..opq", "d/b", ".wh.a", ".wh..wh.plnk"].map((path) => ({
      ...meta,
      type: "file",
      path,
      size: 1,
      content,
    })),
  );
  await using context = await openContext({ type: "tar", stream: streamOf(tar) }, optionsWith(), call);
  assertEquals(await paths(context.tree([])), [".wh..wh.plnk", ".wh.a", "a", "d", "d/.wh..wh..opq", "d/b"]);
  assertEquals(await context.readFile(".wh.a", call), "x");
});

Deno.test("openContext() rejects INVALID_ARGUMENT when an archive is damaged", async () => {
  const tar = await tarOf();
  const damaged = [tar.slice(0, 700), encoder.encode("no archive at all"), tar.with(150, 0x39)];
  for (const bytes of damaged) {
    await rejectsWith(
      "INVALID_ARGUMENT",
      () => openContext({ type: "tar", stream: streamOf(bytes) }, optionsWith(), call),
    );
  }
});

Deno.test("openContext() downloads an archive or a Dockerfile when the context is a URL", async () => {
  const tar = await tarOf();
  const asked: string[] = [];
  const open = (bytes: Uint8Array<ArrayBuffer>): Promise<OpenedContext> => {
    const download = (url: string): Promise<ByteStream> => (asked.push(url), Promise.resolve(streamOf(bytes)));
    return openContext({ type: "url", url: "https://example.com/x" }, optionsWith({ download }), call);
  };
  for (const bytes of [tar, await compress(tar, "gzip")]) {
    await using context = await open(bytes);
    await checkArchive(context);
  }
  await using only = await open(encoder.encode("FROM scratch\nCOPY a b\n"));
  assertEquals(await findBuildFile(only, undefined, call), { path: "Dockerfile", text: "FROM scratch\nCOPY a b\n" });
  assertEquals(await paths(only.tree([])), []);
  assertEquals(await only.readFile("other", call), undefined);
  assertEquals(asked, Array(3).fill("https://example.com/x"));
  await rejectsWith("INVALID_ARGUMENT", () => open(new Uint8Array([1, 0xff, 3])));
  await rejectsWith("INVALID_ARGUMENT", () => open(new Uint8Array(2 << 20).fill(0x20)));
  await rejectsWith("NETWORK_FAILED", () => openContext({ type: "url", url: "https://h/x" }, optionsWith(), call));
});

async function createRepository(directory: string): Promise<void> {
  await Deno.mkdir(`${directory}/sub`);
  await Deno.writeTextFile(`${directory}/sub/Dockerfile`, "FROM scratch\n");
  await Deno.writeTextFile(`${directory}/sub/run.sh`, "#!/bin/sh\n", { mode: 0o700 });
  await Deno.symlink("/etc", `${directory}/escape`);
  await Deno.symlink("sub", `${directory}/link`);
  const who = { GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@t", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@t" };
  const env = { ...who, GIT_COMMITTER_DATE: "1500000000 +0000", GIT_AUTHOR_DATE: "1500000000 +0000" };
  for (const args of [["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "one"]]) {
    const { code } = await new Deno.Command("git", { args, cwd: directory, env }).output();
    assertEquals(code, 0);
  }
}

Deno.test({
  name: "openContext() shows a checkout the same everywhere when the context is a repository",
  ignore: isMissing(peers.git),
  fn: () =>
    withDirectory(async (directory) => {
      await createRepository(directory);
      const url = `file://${directory}`;
      const options = optionsWith({ gitProtocols: ["file"] });
      for (const folder of ["sub", "link"]) {
        await using context = await openContext({ type: "git", url: `${url}#:${folder}` }, options, call);
        assertEquals(await paths(context.tree([])), ["Dockerfile", "run.sh"]);
        const modes: unknown[] = [];
        for await (const entry of context.tree([]).walk(".", {}, call)) {
          if (entry.type === "file") modes.push([entry.mode, entry.mtime]);
        }
        assertEquals(modes, [[0o644, 1_500_000_000], [0o755, 1_500_000_000]]);
      }
      await using whole = await openContext({ type: "git", url }, options, call);
      assertEquals(await paths(whole.tree(["escape"])), ["link", "sub", "sub/Dockerfile", "sub/run.sh"]);
      await using kept = await openContext({ type: "git", url, keepGitDir: true }, options, call);
      assertEquals((await kept.tree([]).stat(".git/HEAD", call))?.type, "file");
      for (const folder of ["absent", "sub/Dockerfile", "escape"]) {
        await rejectsWith("NOT_FOUND", () => openContext({ type: "git", url: `${url}#:${folder}` }, options, call));
      }
      await rejectsWith(
        "CONTENT_MISMATCH",
        () => openContext({ type: "git", url, checksum: "00000000" }, options, call),
      );
      await rejectsWith("REMOTE_FAILED", () => openContext({ type: "git", url }, optionsWith(), call));
    }),
});
