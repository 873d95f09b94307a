import { assert, assertEquals } from "@std/assert";
import type { BuildGraph, ParseHook, SourceFile, SourceRange } from "../contract/mod.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { parseContext, type ParseInput } from "./parse_context.ts";
import { type RegisterTest, registerWithDeno } from "./register.ts";

/**
 * Files in the format of a hook.
 *
 * @example Files that the suite parses
 * ```ts
 * import type { ParseSamples } from "@strata/strata/conformance";
 *
 * const samples: ParseSamples = {
 *   good: [{ file: { path: "Dockerfile", text: "FROM scratch\n" } }],
 *   malformed: [{ file: { path: "Dockerfile", text: "FROM scratch\nCOPY\n" }, line: 2 }],
 *   foreign: [{ path: "a.labels", text: "team=web\n" }],
 *   missingBase: { path: "Dockerfile", text: "FROM nowhere\n" },
 * };
 * console.log(samples.good.length);
 * ```
 */
export interface ParseSamples {
  /** Files that can be built, and what they are given; between them they use what the format has. */
  readonly good: readonly { readonly file: SourceFile; readonly input?: ParseInput }[];
  /** Files with something wrong at a line. */
  readonly malformed: readonly { readonly file: SourceFile; readonly line: number }[];
  /** Files that another format should claim. */
  readonly foreign: readonly SourceFile[];
  /** A file with a base image that no context knows. */
  readonly missingBase: SourceFile;
  /** Finds the parsers of formats that the hook hands files on to; there are none when left out. */
  readonly formats?: (format: string) => Promise<ParseHook>;
}

/**
 * Tests that a parse hook keeps the contract, whatever its format.
 *
 * @example Names of the tests of a hook
 * ```ts
 * import { parseConformance } from "@strata/strata/conformance";
 *
 * const names: string[] = [];
 * const missingBase = { path: "a.labels", text: "FROM nowhere\n" };
 * const samples = { good: [], malformed: [], foreign: [], missingBase };
 * parseConformance("labels", () => Promise.reject(new TypeError("not made here")), samples, (name) => names.push(name));
 * console.log(names);
 * ```
 */
export function parseConformance(
  name: string,
  makeHook: () => Promise<ParseHook>,
  samples: ParseSamples,
  register: RegisterTest = registerWithDeno,
): void {
  testClaims(name, makeHook, samples, register);
  const { formats } = samples;
  const given: ParseInput = formats === undefined ? {} : { formats };
  for (const [i, { file, input }] of samples.good.entries()) {
    testGraph(`${name} sample ${i + 1}`, makeHook, { file, input: { ...given, ...input }, register });
  }
  for (const [i, { file, line }] of samples.malformed.entries()) {
    register(
      `parse() and outline() of ${name} point at the line that is wrong in malformed sample ${i + 1}`,
      async () => {
        const hook = await makeHook();
        for (const call of ["parse", "outline"] as const) {
          const error = await rejection(hook[call](file, parseContext(given)));
          assertEquals(error.code, "PARSE_FAILED", error.message);
          assertEquals(rangeOf(error)?.line, line, error.message);
          assertEquals(rangeOf(error)?.file, file.path);
        }
      },
    );
  }
  register(`parse() of ${name} rejects with what the base image rejects with, and says where`, async () => {
    const hook = await makeHook();
    const error = await rejection(hook.parse(samples.missingBase, parseContext(given)));
    assertEquals(error.code, "NOT_FOUND");
    assert(rangeOf(error) !== undefined);
  });
}

function testClaims(
  name: string,
  makeHook: () => Promise<ParseHook>,
  samples: ParseSamples,
  register: RegisterTest,
): void {
  register(`matches() of ${name} claims its own files and no others`, async () => {
    const hook = await makeHook();
    assert(/^[a-z][a-z0-9.-]*$/.test(hook.format), hook.format);
    for (const { file } of samples.good) assert(await hook.matches(file), file.text);
    for (const file of samples.foreign) assert(!await hook.matches(file), file.text);
  });
}

interface Sample {
  readonly file: SourceFile;
  readonly input: ParseInput | undefined;
  readonly register: RegisterTest;
}

function testGraph(name: string, makeHook: () => Promise<ParseHook>, { file, input, register }: Sample): void {
  const parse = async (): Promise<BuildGraph> => await (await makeHook()).parse(file, parseContext(input));

  register(`parse() gives data and nothing else, the same each time: ${name}`, async () => {
    const graph = await parse();
    assertEquals(JSON.parse(JSON.stringify(graph)), graph);
    assertEquals(await parse(), graph);
  });

  register(`parse() gives nodes in topological order, all of them needed: ${name}`, async () => {
    const { nodes, result } = await parse();
    assert(nodes[result] !== undefined);
    const needed = new Set([result]);
    for (const [id, node] of [...nodes.entries()].reverse()) {
      assert(needed.has(id), `node ${id} is not needed`);
      for (const input of inputsOf(node)) {
        assert(Number.isInteger(input) && input >= 0 && input < id, `node ${id} depends on ${input}`);
        needed.add(input);
      }
    }
  });

  register(`parse() gives one node for each context and image: ${name}`, async () => {
    const { nodes } = await parse();
    const sources = nodes.filter((node) => node.type !== "layer").map((node) => JSON.stringify(node));
    assertEquals(sources.length, new Set(sources).size);
  });

  register(`parse() gives as many history entries with a layer as there are layers on the base: ${name}`, async () => {
    const { nodes, result, history } = await parse();
    let layers = 0;
    for (let node = nodes[result]; node?.type === "layer"; node = nodes[node.onto ?? node.inputs[0] ?? -1]) layers++;
    assertEquals(history.filter((step) => !step.emptyLayer).length, layers);
  });

  register(`outline() asks for no base image: ${name}`, async () => {
    const context = parseContext(input);
    const outline = await (await makeHook()).outline(file, context);
    assertEquals(context.asked, []);
    assertEquals(JSON.parse(JSON.stringify(outline)), outline);
  });

  register(`parse() and outline() reject with CANCELED when the signal is aborted: ${name}`, async () => {
    const hook = await makeHook();
    for (const call of ["parse", "outline"] as const) {
      const error = await rejection(hook[call](file, parseContext(input, AbortSignal.abort())));
      assertEquals(error.code, "CANCELED");
    }
  });
}

function inputsOf(node: BuildGraph["nodes"][number]): readonly number[] {
  if (node.type !== "layer") return [];
  return node.onto === undefined ? node.inputs : [...node.inputs, node.onto];
}

async function rejection(promise: Promise<unknown>): Promise<EngineError> {
  try {
    await promise;
  } catch (error) {
    if (isEngineError(error)) return error;
    throw error;
  }
  throw new EngineError("INTERNAL", "Cannot test a rejection: nothing was rejected");
}

function rangeOf(error: EngineError): SourceRange | undefined {
  return error.detail["range"] as SourceRange | undefined;
}
