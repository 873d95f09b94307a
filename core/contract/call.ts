import type { Digest } from "../oci/descriptor.ts";

/**
 * Bytes in flight. Whoever receives one must read it to the end or cancel it.
 *
 * @example Bytes of a text
 * ```ts
 * import type { ByteStream } from "@strata/strata/contract";
 *
 * const stream: ByteStream = new Blob(["hello"]).stream();
 * console.log(await new Response(stream).text());
 * ```
 */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * Opens the same bytes again on each call, so a consumer may retry, resume or skip them.
 * `offset` is the first byte wanted, 0 when left out; a source that cannot start there rejects `UNSUPPORTED`.
 *
 * @example Bytes that can be read again, from any place
 * ```ts
 * import type { OpenContent } from "@strata/strata/contract";
 *
 * const blob = new Blob(["hello"]);
 * const open: OpenContent = (offset = 0) => Promise.resolve(blob.slice(offset).stream());
 * console.log(await new Response(await open(1)).text());
 * ```
 */
export type OpenContent = (offset?: number) => Promise<ByteStream>;

/**
 * A position in a source file; lines and columns count from 1.
 *
 * @example The second line of a file
 * ```ts
 * import type { SourceRange } from "@strata/strata/contract";
 *
 * const range: SourceRange = { file: "Dockerfile", line: 2, endLine: 2, column: 6, endColumn: 10 };
 * console.log(`${range.file}:${range.line}`);
 * ```
 */
export interface SourceRange {
  /** File the range is in. */
  readonly file: string;
  /** First line. */
  readonly line: number;
  /** Last line, inclusive. */
  readonly endLine: number;
  /** First column on the first line, in UTF-16 code units; left out when the whole line is meant. */
  readonly column?: number;
  /** Column after the last one, on `endLine`. */
  readonly endColumn?: number;
  /** Text of the line at `line`, for a message with a caret. */
  readonly source?: string;
}

/**
 * Something that happened, for a human or a client to see. Never carries results.
 *
 * @example Show warnings
 * ```ts
 * import type { EngineEvent } from "@strata/strata/contract";
 *
 * function show(event: EngineEvent): void {
 *   if (event.type === "warning") console.log(event.message);
 * }
 * show({ type: "warning", code: "TAG_MOVED", message: "the tag moved" });
 * ```
 */
export type EngineEvent =
  | { readonly type: "step-started"; readonly step: string; readonly name: string }
  | {
    readonly type: "step-progress";
    readonly step: string;
    readonly current: number;
    readonly total?: number;
    readonly unit: "bytes" | "entries";
  }
  | {
    readonly type: "step-log";
    readonly step: string;
    readonly stream: "stdout" | "stderr";
    readonly data: Uint8Array;
  }
  | {
    readonly type: "step-ended";
    readonly step: string;
    readonly outcome: "done" | "cached" | "failed" | "canceled";
    readonly digest?: Digest;
  }
  | {
    /** What a build file was found to say, before its steps start. */
    readonly type: "instructions";
    /** In file order; each with the steps that it makes. */
    readonly instructions: readonly { readonly text: string; readonly steps: readonly string[] }[];
  }
  | { readonly type: "warning"; readonly code: string; readonly message: string; readonly at?: SourceRange };

/**
 * Carried by every operation: how to stop it and where it reports.
 *
 * @example A call that takes ten seconds at the most and shows its steps
 * ```ts
 * import type { Call } from "@strata/strata/contract";
 *
 * const call: Call = {
 *   signal: AbortSignal.timeout(10_000),
 *   emit: (event) => event.type === "step-started" && console.log(event.name),
 * };
 * call.emit({ type: "step-started", step: "1", name: "COPY . /" });
 * ```
 */
export interface Call {
  /** Aborting it makes the operation reject with code `CANCELED`. */
  readonly signal: AbortSignal;
  /** Takes events in order; returns at once and never throws. */
  readonly emit: (event: EngineEvent) => void;
}
