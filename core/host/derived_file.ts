import type { EngineEvent, SourceRange } from "../contract/call.ts";
import type { BuildGraph, BuildOutline, DerivedFile, ParseContext, ParseHook } from "../contract/parse.ts";
import { EngineError, isEngineError } from "../errors.ts";

/** Finds the parser of a format. Rejects `UNSUPPORTED` when there is none. */
export type FormatLookup = (format: string) => Promise<ParseHook>;

/** A parse context without what other formats are asked by. */
export type OwnParseContext = Omit<ParseContext, "parseAs" | "outlineAs">;

/** How often a file may be handed on. */
const maxDepth = 8;

/** A parse context whose plugin can have files read by the parsers of other formats. */
export function withFormats(context: OwnParseContext, find: FormatLookup, depth = 0): ParseContext {
  const read = async <T>(format: string, file: DerivedFile, work: Reading<T>): Promise<T> => {
    if (depth >= maxDepth) throw handedOn(file.path, format);
    const hook = await find(format);
    const placed = placesIn(file);
    const { args = context.args } = file;
    const inner = { ...context, args, emit: (event: EngineEvent) => context.emit(placeEvent(event, placed)) };
    try {
      const source = { path: file.path, text: file.text };
      return await work(hook, { source, placed, context: withFormats(inner, find, depth + 1) });
    } catch (error) {
      throw placeError(error, placed);
    }
  };
  return {
    ...context,
    parseAs: (format, file) =>
      read(
        format,
        file,
        async (hook, { source, placed, context }) => placeGraph(await hook.parse(source, context), placed),
      ),
    outlineAs: (format, file) =>
      read(
        format,
        file,
        async (hook, { source, placed, context }) => placeOutline(await hook.outline(source, context), placed),
      ),
  };
}

type Placing = (range: SourceRange) => SourceRange;

type Reading<T> = (hook: ParseHook, given: {
  readonly source: { readonly path: string; readonly text: string };
  readonly placed: Placing;
  readonly context: ParseContext;
}) => Promise<T>;

/** Where a place in a derived file comes from. A place in another file, such as an ignore file, is left as it is. */
function placesIn({ path, text, origins }: DerivedFile): Placing {
  const lines = text.split(/\r?\n/);
  return (range) => {
    const start = origins[range.line - 1];
    if (range.file !== path || start === undefined) return range;
    const end = origins[range.endLine - 1];
    const endLine = end?.file === start.file && end.endLine >= start.line ? end.endLine : start.endLine;
    const isAsItWas = start.source !== undefined && start.source === lines[range.line - 1];
    const { column, endColumn } = isAsItWas ? range : start;
    return {
      file: start.file,
      line: start.line,
      endLine,
      ...(column === undefined ? {} : { column }),
      ...(endColumn === undefined ? {} : { endColumn }),
      ...(start.source === undefined ? {} : { source: start.source }),
    };
  };
}

function placeEvent(event: EngineEvent, placed: Placing): EngineEvent {
  return event.type === "warning" && event.at !== undefined ? { ...event, at: placed(event.at) } : event;
}

function placeGraph(graph: BuildGraph, placed: Placing): BuildGraph {
  const nodes = graph.nodes.map((node) =>
    node.type === "layer" && node.at !== undefined ? { ...node, at: placed(node.at) } : node
  );
  return { ...graph, nodes };
}

function placeOutline(outline: BuildOutline, placed: Placing): BuildOutline {
  const place = <T extends { readonly at: SourceRange }>(each: T): T => ({ ...each, at: placed(each.at) });
  return {
    ...outline,
    stages: outline.stages.map(place),
    args: outline.args.map(place),
    secrets: outline.secrets.map(place),
    ssh: outline.ssh.map(place),
    checks: outline.checks.map(place),
  };
}

function placeError(error: unknown, placed: Placing): unknown {
  if (!isEngineError(error)) return error;
  const { range } = error.detail;
  if (!isRange(range)) return error;
  return new EngineError(error.code, error.message, {
    cause: error,
    detail: { ...error.detail, range: placed(range) },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

function isRange(value: unknown): value is SourceRange {
  if (typeof value !== "object" || value === null) return false;
  return "file" in value && "line" in value && "endLine" in value;
}

function handedOn(path: string, format: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read "${path}" as ${format}: formats hand it on without end`, {
    detail: { field: "format", value: format },
  });
}
