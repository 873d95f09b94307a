import type { BuildGraph, BuildNode, ParseHook } from "../../core/contract/mod.ts";
import { isEngineError } from "../../core/errors.ts";
import factory from "../../plugins/parse_dockerfile/mod.ts";
import { createTestHost } from "./test_host.ts";
import { parseContext, type ParseInput, type RecordedContext } from "./parse_context.ts";

/** The built-in parse hook for Dockerfiles. */
export async function dockerfileHook(): Promise<ParseHook> {
  const plugin = await factory(createTestHost());
  const [hook] = plugin.parse ?? [];
  if (hook === undefined) throw new Error("the plugin has no parse hook");
  return hook;
}

async function readOptional(name: string, folder: URL): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(new URL(name, folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What a golden case is given: `input.json`, `.dockerignore` and `Dockerfile.dockerignore`. */
export async function readInput(folder: URL): Promise<ParseInput> {
  const input: ParseInput = JSON.parse(await readOptional("input.json", folder) ?? "{}");
  const ignore = await readOptional(".dockerignore", folder);
  const own = await readOptional("Dockerfile.dockerignore", folder);
  return {
    ...input,
    ...(ignore === undefined ? {} : { files: { ".dockerignore": ignore } }),
    ...(own === undefined ? {} : { siblings: { "Dockerfile.dockerignore": own } }),
  };
}

/** A node without what differs from machine to machine or follows from the rest. */
function showNode(node: BuildNode): unknown {
  if (node.type === "image") return { type: "image", reference: node.reference };
  if (node.type !== "layer") return node;
  const { at, ...rest } = node;
  return { ...rest, line: at?.line };
}

function showGraph(graph: BuildGraph, context: RecordedContext): unknown {
  const { nodes, platform, history, instructions: _instructions, ...rest } = graph;
  const warnings = context.events.flatMap((event) =>
    event.type === "warning" ? [`${event.code}${event.at === undefined ? "" : ` line ${event.at.line}`}`] : []
  );
  return {
    nodes: nodes.map(showNode),
    ...rest,
    platform: [platform.os, platform.architecture, ...(platform.variant === undefined ? [] : [platform.variant])].join(
      "/",
    ),
    history: history.map(({ createdBy, emptyLayer }) => emptyLayer ? createdBy : `layer: ${createdBy}`),
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(context.asked.length === 0 ? {} : { asked: context.asked }),
  };
}

/** What a golden case in a folder comes to: its graph, or its error with the line that it points at. */
export async function showGraphCase(folder: URL): Promise<unknown> {
  const hook = await dockerfileHook();
  const context = parseContext(await readInput(folder));
  const text = await Deno.readTextFile(new URL("Dockerfile", folder));
  try {
    const graph = await hook.parse({ path: "app/Dockerfile", text }, context);
    return JSON.parse(JSON.stringify(showGraph(graph, context)));
  } catch (error) {
    if (!isEngineError(error)) throw error;
    const { code, message, hint, detail } = error;
    const { range } = detail as { readonly range?: { readonly line: number } };
    return {
      error: {
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(range === undefined ? {} : { line: range.line }),
      },
    };
  }
}

/** The graph of a text, and the context that recorded what was asked and said. */
export async function parseText(
  text: string,
  input: ParseInput = {},
): Promise<{ readonly graph: BuildGraph; readonly context: RecordedContext }> {
  const context = parseContext(input);
  const hook = await dockerfileHook();
  return { graph: await hook.parse({ path: "Dockerfile", text }, context), context };
}

/** The error that a text is refused with, as `CODE line: message`; the line is 0 when it points nowhere. */
export async function refusal(text: string, input: ParseInput = {}): Promise<string> {
  try {
    await parseText(text, input);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    const { range } = error.detail as { readonly range?: { readonly line: number } };
    return `${error.code} ${range?.line ?? 0}: ${error.message}`;
  }
  return "not refused";
}
