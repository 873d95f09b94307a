import { assert, assertEquals, AssertionError, assertNotEquals, assertRejects } from "@std/assert";
import type { BuildOp, LayerContext, LayerEntry, LayerHook } from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import { isDigest } from "../oci/digest.ts";
import { readContent } from "./layer_context.ts";
import { type RegisterTest, registerWithDeno } from "./register.ts";

/**
 * One operation that the hook under test builds.
 *
 * @example An operation that a hook is tested with
 * ```ts
 * import { createLayerContext, createMemoryTree, files, type LayerCase } from "@strata/strata/conformance";
 *
 * const inputs = [createMemoryTree(files({ "etc/motd": "bye\n" }))];
 * const sample: LayerCase = {
 *   name: "one file",
 *   op: { kind: "motd", args: { text: "hello" } },
 *   context: (signal) => createLayerContext({ inputs, ...(signal === undefined ? {} : { signal }) }),
 * };
 * console.log(sample.context().inputs.length);
 * ```
 */
export interface LayerCase {
  /** What the operation is about. */
  readonly name: string;
  /** The operation. */
  readonly op: BuildOp;
  /** A fresh context with the same inputs on each call. */
  context(signal?: AbortSignal): LayerContext;
  /**
   * A context whose inputs differ in content that the result depends on; left out when there is none beyond
   * `inputs[0]`.
   */
  changed?(): LayerContext;
  /** A context whose inputs differ in nothing but times. */
  retimed?(): LayerContext;
}

/**
 * A hook ready to be tested, with what it needs around it.
 *
 * @example A hook without cases
 * ```ts
 * import type { LayerHook } from "@strata/strata/contract";
 * import type { LayerFixture } from "@strata/strata/conformance";
 *
 * function fixtureOf(hook: LayerHook): LayerFixture {
 *   return { hook, cases: [], [Symbol.asyncDispose]: () => Promise.resolve() };
 * }
 * ```
 */
export interface LayerFixture extends AsyncDisposable {
  /** The hook. */
  readonly hook: LayerHook;
  /** Operations to build; at least one. */
  readonly cases: readonly LayerCase[];
}

/**
 * Registers the tests that every {@linkcode LayerHook} has to pass.
 *
 * @example Names of the tests of a hook
 * ```ts
 * import { layerConformance } from "@strata/strata/conformance";
 *
 * const names: string[] = [];
 * layerConformance("motd", () => Promise.reject(new TypeError("not opened here")), (name) => names.push(name));
 * console.log(names);
 * ```
 */
export function layerConformance(
  name: string,
  open: () => Promise<LayerFixture>,
  register: RegisterTest = registerWithDeno,
): void {
  const each = (title: string, check: (hook: LayerHook, each: LayerCase) => Promise<void>): void => {
    register(`${name} ${title}`, async () => {
      await using fixture = await open();
      for (const one of fixture.cases) {
        try {
          await check(fixture.hook, one);
        } catch (cause) {
          const state = cause instanceof Error ? cause.message : String(cause);
          throw new AssertionError(`${one.name}: ${state}`, { cause });
        }
      }
    });
  };
  register(`${name} has kinds, each once`, async () => {
    await using fixture = await open();
    assert(fixture.hook.kinds.length > 0);
    assertEquals(new Set(fixture.hook.kinds).size, fixture.hook.kinds.length);
    for (const { op } of fixture.cases) assert(fixture.hook.kinds.includes(op.kind));
  });
  each("build() yields well-formed entries, parents first, each path once", checkEntries);
  each("build() gives the same layer for the same inputs", checkRepeatable);
  each("build() lets go of what it holds when it is left early", checkLeftEarly);
  each("contentKey() is a digest that follows content and nothing else", checkContentKey);
  each("contentKey() and build() reject CANCELED once the signal is aborted", checkCanceled);
  each("contentKey() and build() reject INVALID_ARGUMENT when arguments are missing", checkMalformed);
}

async function checkEntries(hook: LayerHook, { op, context }: LayerCase): Promise<void> {
  const types = new Map<string, LayerEntry["type"]>();
  for await (const entry of hook.build(op, context())) {
    const { path, type } = entry;
    assert(isNormalized(path), `path "${path}" is normalized`);
    assert(type === "opaque" || !types.has(path), `path "${path}" comes once`);
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const above = types.get(path.slice(0, slash));
      assert(above === undefined || above === "directory", `"${path}" is below a directory`);
    }
    if (type === "directory") {
      const isEarly = [...types.keys()].every((known) => !known.startsWith(path + "/"));
      assert(isEarly, `directory "${path}" comes before what is below it`);
    }
    if (type !== "opaque") types.set(path, type);
    if (type === "whiteout" || type === "opaque") continue;
    assert(Number.isInteger(entry.mode) && entry.mode >= 0 && entry.mode <= 0o7777, "mode is permission bits");
    assert(
      Number.isInteger(entry.uid) && entry.uid >= 0 && Number.isInteger(entry.gid) && entry.gid >= 0,
      "owner is numeric",
    );
    assert(Number.isFinite(entry.mtime), "mtime is a number");
    if (type === "hardlink") assertEquals(types.get(entry.target), "file", "a hard link comes after its file");
    if (type === "file") assertEquals((await readContent(entry)).length, entry.size, `size of "${path}"`);
  }
}

async function checkRepeatable(hook: LayerHook, { op, context }: LayerCase): Promise<void> {
  assertEquals(await describe(hook.build(op, context())), await describe(hook.build(op, context())));
}

async function checkLeftEarly(hook: LayerHook, { op, context }: LayerCase): Promise<void> {
  for await (const _entry of hook.build(op, context())) break;
}

async function checkContentKey(hook: LayerHook, { op, context, changed, retimed }: LayerCase): Promise<void> {
  const key = await hook.contentKey(op, context());
  assert(key === undefined || isDigest(key));
  assertEquals(await hook.contentKey(op, context()), key);
  if (retimed !== undefined) assertEquals(await hook.contentKey(op, retimed()), key);
  if (changed !== undefined && key !== undefined) assertNotEquals(await hook.contentKey(op, changed()), key);
}

async function checkCanceled(hook: LayerHook, { op, context }: LayerCase): Promise<void> {
  const aborted = (): LayerContext => context(AbortSignal.abort());
  const failures = [
    await assertRejects(async () => await hook.contentKey(op, aborted()), EngineError),
    await assertRejects(async () => await describe(hook.build(op, aborted())), EngineError),
  ];
  assertEquals(failures.map(({ code }) => code), ["CANCELED", "CANCELED"]);
}

async function checkMalformed(hook: LayerHook, { op, context }: LayerCase): Promise<void> {
  const bare: BuildOp = { kind: op.kind, args: {} };
  const failures = [
    await assertRejects(async () => await hook.contentKey(bare, context()), EngineError),
    await assertRejects(async () => await describe(hook.build(bare, context())), EngineError),
  ];
  assertEquals(failures.map(({ code }) => code), ["INVALID_ARGUMENT", "INVALID_ARGUMENT"]);
}

async function describe(entries: AsyncIterable<LayerEntry>): Promise<unknown[]> {
  const described: unknown[] = [];
  for await (const entry of entries) {
    if (entry.type !== "file") described.push({ ...entry });
    else described.push({ ...entry, content: (await readContent(entry)).toHex() });
  }
  return described;
}

function isNormalized(path: string): boolean {
  return path !== "" && !path.includes("\0") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
