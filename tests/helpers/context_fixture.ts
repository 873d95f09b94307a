import { assert, assertEquals, assertRejects } from "@std/assert";
import { createContextTree } from "../../core/build/context_tree.ts";
import { openDigestDatabase } from "../../core/build/digest_database.ts";
import type { Call, LayerEntry, Tree } from "../../core/contract/mod.ts";
import { EngineError, type ErrorCode } from "../../core/errors.ts";
import { type OpenFile, openRoot, type Root } from "../../core/os/file_system.ts";
import { collect } from "../../core/stream/collect.ts";

/** A call that nothing stops. */
export const call: Call = { signal: new AbortController().signal, emit: () => {} };
/** When all files of a fixture are old enough to be remembered. */
const later = new Date(Date.now() + 3_600_000);

/** A directory of files with everything that makes a tree of it. */
export interface ContextFixture extends Disposable {
  /** Absolute path of the directory. */
  readonly path: string;
  /** The directory, opened. */
  readonly root: Root;
  /** A tree that remembers digests as if an hour had passed, so that no file is too new to be remembered. */
  tree(options?: { exclude?: readonly string[]; now?: Date; isForgetful?: boolean }): Tree;
  /** Writes a file, its folders made when missing. */
  write(path: string, text: string): void;
  /** Number of files that were opened so far. */
  readonly opened: number;
}

/** A directory with files of the given contents, by path. */
export function openFixture(files: Readonly<Record<string, string>> = {}): ContextFixture {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/context`;
  Deno.mkdirSync(path);
  const actual = openRoot(path);
  const database = openDigestDatabase(`${directory}/context.sqlite`, () => later);
  let opened = 0;
  const root: Root = {
    ...actual,
    open(at): OpenFile {
      opened++;
      return actual.open(at);
    },
  };
  const fixture: ContextFixture = {
    path,
    root,
    tree({ exclude = [], now = later, isForgetful = false } = {}): Tree {
      return createContextTree(root, { exclude, clock: () => now, database: isForgetful ? undefined : database });
    },
    write(at, text): void {
      Deno.mkdirSync(`${path}/${at}/..`.replace(/[^/]+\/\.\.$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${path}/${at}`, text);
    },
    get opened(): number {
      return opened;
    },
    [Symbol.dispose](): void {
      root[Symbol.dispose]();
      database[Symbol.dispose]();
      Deno.removeSync(directory, { recursive: true });
    },
  };
  for (const [at, text] of Object.entries(files)) fixture.write(at, text);
  return fixture;
}

/** Paths of a walk. */
export async function paths(tree: Tree, path = ".", exclude: readonly string[] = []): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of tree.walk(path, { exclude }, call)) found.push(entry.path);
  return found;
}

/** Text of an entry, which must be a file. */
export async function contentOf(entry: LayerEntry | undefined): Promise<string> {
  assert(entry?.type === "file");
  const { content } = entry;
  return new TextDecoder().decode(content instanceof Uint8Array ? content : await collect(await content(), 1 << 30));
}

/** The error that a call rejects with, which must have the code. */
export async function rejectsWith(code: ErrorCode, run: () => Promise<unknown>): Promise<EngineError> {
  const error = await assertRejects(run, EngineError);
  assertEquals(error.code, code, error.message);
  return error;
}
