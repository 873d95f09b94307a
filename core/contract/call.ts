import type { Digest } from "../oci/descriptor.ts";

/** Bytes in flight. Whoever receives one must read it to the end or cancel it. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * Opens the same bytes again on each call, so a consumer may retry, resume or skip them.
 * `offset` is the first byte wanted, 0 when left out; a source that cannot start there rejects `UNSUPPORTED`.
 */
export type OpenContent = (offset?: number) => Promise<ByteStream>;

/** A position in a source file; lines and columns count from 1. */
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

/** Something that happened, for a human or a client to see. Never carries results. */
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

/** Carried by every operation: how to stop it and where it reports. */
export interface Call {
  /** Aborting it makes the operation reject with code `CANCELED`. */
  readonly signal: AbortSignal;
  /** Takes events in order; returns at once and never throws. */
  readonly emit: (event: EngineEvent) => void;
}
