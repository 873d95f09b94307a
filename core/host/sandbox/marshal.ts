import type { Call, EngineEvent, OpenContent } from "../../contract/call.ts";
import type { LayerEntry } from "../../contract/layer.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { type Body, decodeData, encodeData, listOf } from "./codec.ts";
import { type Batch, ItemSource } from "./items.ts";
import type { LayerContext } from "../../contract/layer.ts";
import type { ParseContext } from "../../contract/parse.ts";
import type { Interface, Kind } from "./schema.ts";
import type { Head } from "./wire.ts";
import type { Place, RemoteCaller } from "./remote.ts";
import * as stub from "./stubs.ts";

/** What a value is encoded with. */
export interface Encoding {
  /** Bytes that go along. */
  readonly body: Body;
  /** Ends what is passed, when it is over. */
  readonly scope: DisposableStack;
  /** Where content of entries lives; in `scope` when left out. */
  readonly contents?: DisposableStack | undefined;
}

/** What a value is decoded with. */
export interface Decoding {
  /** Bytes that came along. */
  readonly body: ArrayBuffer | undefined;
  /** Ends what was passed with the call. */
  readonly scope: DisposableStack;
  /** Where the call was made. */
  readonly place: Place;
}

/** An object whose methods the other side may call. */
export interface Offered {
  /** Its interface. */
  readonly name: Interface;
  /** Has the methods. */
  readonly target: object;
  /** What ends it; undefined for what lives as long as the wire. */
  readonly scope: DisposableStack | undefined;
}

/** Most events that are taken from the other side, so that a flood of them ends. */
const maxEvents = 100_000;

/** Most prints that are taken. */
const maxPrints = 5000;

/** Turns values of the contract into messages and back. What stays on its side is known to the other by an id. */
export class Marshal {
  readonly #peer: RemoteCaller;
  readonly #offers = new Map<number, Offered>();
  readonly #ownCalls = new Map<number, Call>();
  readonly #theirCalls = new Map<number, AbortController>();
  #nextId = 1;
  #events = 0;
  #prints = 0;

  /** Passes values on for an end of a wire. */
  constructor(peer: RemoteCaller) {
    this.#peer = peer;
  }

  /** Offers an object; gives its id. The one that is offered first, without a scope, has the id 1. */
  offer(name: Interface, target: object, scope?: DisposableStack): number {
    const id = this.#nextId++;
    this.#offers.set(id, { name, target, scope });
    scope?.defer(() => this.#offers.delete(id));
    return id;
  }

  /** The offered object of an id. */
  find(id: unknown): Offered | undefined {
    return typeof id === "number" ? this.#offers.get(id) : undefined;
  }

  /** Aborts a call that the other side made. */
  abort(id: unknown): void {
    if (typeof id === "number") this.#theirCalls.get(id)?.abort();
  }

  /** Passes an event on to the call it is for. Throws `TypeError` when there are too many. */
  emit(id: unknown, event: unknown, body: ArrayBuffer | undefined): void {
    if (++this.#events > maxEvents) throw new TypeError(`it reported more than ${maxEvents} events`);
    // What a sandbox reports is only shown; a report of another form shows nothing.
    const decoded = decodeData(event, body);
    if (typeof id === "number" && isEvent(decoded)) this.#ownCalls.get(id)?.emit(decoded);
  }

  /** Passes an event on to the call that was made last; to none when none is open. */
  tell(event: EngineEvent): void {
    if (++this.#prints > maxPrints) throw new TypeError(`it printed more than ${maxPrints} times`);
    [...this.#ownCalls.values()].at(-1)?.emit(event);
  }

  /** A value as it goes over the wire. Throws `TypeError` for what is not of the kind. */
  encode(kind: Kind, value: unknown, encoding: Encoding): Head {
    const { body, scope } = encoding;
    // The contract's types say what each kind is; what a plugin gives in its place fails in its own sandbox.
    switch (kind) {
      case "data":
        return encodeData(value, body);
      case "stream":
        return this.#peer.streams.offer(value as ReadableStream<Uint8Array<ArrayBuffer>>, () => scope.dispose());
      case "entry":
        return this.#encodeEntry(value as LayerEntry | undefined, encoding);
      case "listBatch":
      case "entryBatch":
        return this.#encodeBatch(kind === "entryBatch" ? "entry" : "data", value as Batch, encoding);
      case "list":
      case "entries": {
        return this.offer(kind, new ItemSource(value as AsyncIterable<unknown>, () => scope.dispose()), scope);
      }
      case "call":
        return this.#encodeCall(value as Call, scope);
      case "content": {
        return this.offer("content", { open: value as OpenContent }, scope);
      }
      case "marks":
        return this.offer("marks", { mark: value }, scope);
      case "parseContext":
        return this.#encodeParseContext(value as ParseContext, encoding);
      case "layerContext":
        return this.#encodeLayerContext(value as LayerContext, encoding);
      case "store":
      case "source":
      case "sink":
      case "lease":
        return this.offer(kind, Object(value), scope);
    }
  }

  /** The value that a message holds. Throws `TypeError` for a message that is not of the kind. */
  decode(kind: Kind, head: unknown, decoding: Decoding): unknown {
    const { body, scope, place } = decoding;
    switch (kind) {
      case "data":
        return decodeData(head, body);
      case "stream":
        return this.#peer.streams.take(head, {
          wrap: (error) => this.#peer.wrap(error, place),
          onEnd: () => scope.dispose(),
        });
      case "entry":
        return this.#decodeEntry(head, decoding);
      case "listBatch":
      case "entryBatch":
        return this.#decodeBatch(kind === "entryBatch" ? "entry" : "data", head, decoding);
      case "list":
      case "entries":
        return stub.itemCalls(this.#peer, { name: kind, id: idOf(head) }, place, () => scope.dispose());
      case "call":
        return this.#decodeCall(fieldsOf(fieldsOf(head).call), scope);
      case "content":
        return stub.content(this.#peer, idOf(head), place);
      case "marks":
        return stub.marks(this.#peer, idOf(head), place);
      case "parseContext": {
        const { data, id, call } = fieldsOf(head);
        const known = { ...Object(decodeData(data, body)), ...this.#decodeCall(fieldsOf(call), scope) };
        return stub.parseContext(this.#peer, idOf(id), known);
      }
      case "layerContext": {
        const { data, id, inputs, call } = fieldsOf(head);
        const trees = listOf(inputs).map((tree) => stub.tree(this.#peer, idOf(tree)));
        const known = { ...Object(decodeData(data, body)), ...this.#decodeCall(fieldsOf(call), scope), inputs: trees };
        return stub.layerContext(this.#peer, idOf(id), known);
      }
      case "store":
        return stub.store(this.#peer, idOf(head), () => scope.dispose());
      case "source":
        return stub.source(this.#peer, idOf(head), () => scope.dispose());
      case "sink":
        return stub.sink(this.#peer, idOf(head), () => scope.dispose());
      case "lease":
        return stub.lease(this.#peer, idOf(head), () => scope.dispose());
    }
  }

  #encodeCall(call: Call, scope: DisposableStack): { readonly call: Head } {
    const id = this.#nextId++;
    this.#ownCalls.set(id, call);
    const abort = (): void => this.#peer.send({ t: "abort", id });
    call.signal.addEventListener("abort", abort, { once: true });
    scope.defer(() => {
      call.signal.removeEventListener("abort", abort);
      this.#ownCalls.delete(id);
    });
    return { call: { id, isAborted: call.signal.aborted } };
  }

  #encodeParseContext(context: ParseContext, { body, scope }: Encoding): Head {
    const { platform, buildPlatform, target, args, contexts, noCache } = context;
    const data = encodeData({ platform, buildPlatform, target, args, contexts, noCache }, body);
    return { data, id: this.offer("parseContext", context, scope), ...this.#encodeCall(context, scope) };
  }

  #encodeLayerContext(context: LayerContext, { body, scope }: Encoding): Head {
    const { platform, sourceDateEpoch, inputs, scratch } = context;
    const target = {
      run: (...args: Parameters<LayerContext["run"]>) => context.run(...args),
      recall: (...args: Parameters<typeof scratch.recall>) => scratch.recall(...args),
      ingest: (...args: Parameters<typeof scratch.ingest>) => scratch.ingest(...args),
      remember: (...args: Parameters<typeof scratch.remember>) => scratch.remember(...args),
      open: (descriptor: Descriptor, offset: number) => scratch.open(descriptor)(offset),
    };
    return {
      data: encodeData({ platform, sourceDateEpoch }, body),
      id: this.offer("layerContext", target, scope),
      inputs: inputs.map((tree) => this.offer("tree", tree, scope)),
      ...this.#encodeCall(context, scope),
    };
  }

  #decodeCall(head: Readonly<Record<string, unknown>>, scope: DisposableStack): Call {
    const { id, isAborted } = head;
    const number = idOf(id);
    const controller = new AbortController();
    if (isAborted === true) controller.abort();
    this.#theirCalls.set(number, controller);
    scope.defer(() => this.#theirCalls.delete(number));
    return { signal: controller.signal, emit: (event) => this.#peer.report(number, event) };
  }

  #encodeEntry(entry: LayerEntry | undefined, encoding: Encoding): Head {
    if (entry?.type !== "file" || typeof entry.content !== "function") {
      return { entry: encodeData(entry, encoding.body) };
    }
    const { content, ...rest } = entry;
    const scope = encoding.contents ?? encoding.scope;
    return { entry: encodeData(rest, encoding.body), content: this.encode("content", content, { ...encoding, scope }) };
  }

  #decodeEntry(head: unknown, decoding: Decoding): unknown {
    const { entry, content } = fieldsOf(head);
    const data = decodeData(entry, decoding.body);
    if (content === undefined) return data;
    return { ...Object(data), content: this.decode("content", content, decoding) };
  }

  #encodeBatch(kind: Kind, { values, isLast }: Batch, encoding: Encoding): Head {
    return { values: values.map((value) => this.encode(kind, value, encoding)), isLast };
  }

  #decodeBatch(kind: Kind, head: unknown, decoding: Decoding): Batch {
    const { values, isLast } = fieldsOf(head);
    return { values: listOf(values).map((value) => this.decode(kind, value, decoding)), isLast: isLast === true };
  }
}

/** Members of what should be an object; none of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return { ...Object(value) };
}

function idOf(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new TypeError("it names no object");
}

/** Whether a value is an event as far as those who show it look. */
function isEvent(value: unknown): value is EngineEvent {
  const { type, step, name, message, current, unit, stream, data, outcome } = fieldsOf(value);
  switch (type) {
    case "step-started":
      return typeof step === "string" && typeof name === "string";
    case "step-progress":
      return typeof step === "string" && typeof current === "number" && (unit === "bytes" || unit === "entries");
    case "step-log":
      return typeof step === "string" && (stream === "stdout" || stream === "stderr") && data instanceof Uint8Array;
    case "step-ended":
      return typeof step === "string" && typeof outcome === "string";
    case "warning":
      return typeof message === "string";
    default:
      return false;
  }
}
