import type { EngineEvent } from "../../contract/call.ts";
import type { Interface } from "./schema.ts";
import type { Streams } from "./streams.ts";
import type { Head } from "./wire.ts";

/** Where a call was made, for errors. */
export interface Place {
  /** Hook and method, e.g. `layer.build`. */
  readonly hook: string;
  /** What aborts it. */
  readonly signal?: AbortSignal;
}

/** An object of the other side. */
export interface Remote {
  /** Its interface. */
  readonly name: Interface;
  /** Its id there. */
  readonly id: number;
  /** Called with what comes along with an answer. */
  readonly onQuota?: (quota: unknown) => void;
}

/** What stubs and values on their way need of an end of a wire. */
export interface RemoteCaller {
  /** Streams under way. */
  readonly streams: Streams;
  /** Whether the wire has ended. */
  readonly hasEnded: boolean;
  /** Calls a method of an object of the other side. */
  call(remote: Remote, name: string, args: readonly unknown[], place: Place): Promise<unknown>;
  /** Sends a message. */
  send(head: Head, body?: ArrayBuffer): void;
  /** Passes an event on to a call of the other side. Never throws. */
  report(id: number, event: EngineEvent): void;
  /** What a caller is told in place of an error of the other side. */
  wrap(error: Error, place: Place): Error;
}
