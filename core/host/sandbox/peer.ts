import type { EngineEvent } from "../../contract/call.ts";
import { Body, encodeData, listOf } from "./codec.ts";
import { fieldsOf, Marshal, type Offered } from "./marshal.ts";
import type { Place, Remote, RemoteCaller } from "./remote.ts";
import { type Interface, interfaces, lasting, type Method } from "./schema.ts";
import { Streams } from "./streams.ts";
import type { Head, Wire } from "./wire.ts";
import { decodeError, encodeError } from "./wire_error.ts";

/** What the two sides of a wire do differently. */
export interface PeerOptions {
  /** What a caller is told in place of an error of the other side. */
  readonly wrap: (error: Error, place: Place) => Error;
  /** Called when the other side sends what makes no sense, or has failed where nothing was asked; it should close the wire. */
  readonly onBreach: (reason: string) => void;
  /** The event that shows what the other side printed; left out where nothing is printed. */
  readonly onPrint?: (text: string) => EngineEvent;
  /** Called when a call was aborted; `isOpen` tells whether it has gone on. */
  readonly onAbort?: (place: Place, isOpen: () => boolean) => void;
}

interface Pending {
  readonly place: Place;
  readonly settle: (message: Readonly<Record<string, unknown>>, body: ArrayBuffer | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One end of a wire: calls methods of the other side's objects and serves those of its own. Both ends are alike; an object is
 * known by the id that it was passed under, and one that was never passed cannot be called.
 */
export class Peer implements RemoteCaller {
  /** Streams under way. */
  readonly streams: Streams;
  readonly #wire: Wire;
  readonly #options: PeerOptions;
  readonly #marshal: Marshal;
  readonly #pending = new Map<number, Pending>();
  #serving = 0;
  #nextId = 1;
  #failure: Error | undefined;
  #lastHeard = performance.now();

  constructor(wire: Wire, options: PeerOptions) {
    this.#wire = wire;
    this.#options = options;
    this.streams = new Streams(wire);
    this.#marshal = new Marshal(this);
    wire.listen((head, body) => this.#receive(head, body), (reason) => this.fail(new Error(reason)));
  }

  /** Milliseconds for which the other side has owed something and not been heard of, while it waited for nothing from here. */
  get silentMs(): number {
    const isOwed = this.#pending.size > 0 || this.streams.waiting > 0;
    const owes = this.#serving > 0 || this.streams.isReading;
    if (!isOwed || owes) this.#lastHeard = performance.now();
    return performance.now() - this.#lastHeard;
  }

  /** Whether the wire has ended. */
  get hasEnded(): boolean {
    return this.#failure !== undefined;
  }

  /** Where the calls were made that have no answer yet. */
  get open(): readonly Place[] {
    return [...this.#pending.values()].map(({ place }) => place);
  }

  /** Offers an object for as long as the wire lives; gives its id. */
  offer(name: Interface, target: object): number {
    return this.#marshal.offer(name, target);
  }

  /** Calls a method of an object of the other side. */
  call(remote: Remote, name: string, args: readonly unknown[], place: Place): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const scope = new DisposableStack();
    const fail = (error: Error): void => {
      scope.dispose();
      reject(this.wrap(error, place));
    };
    const method = methodOf(remote.name, name);
    if (this.#failure !== undefined || method === undefined) {
      fail(this.#failure ?? new TypeError(`it has no ${name}`));
      return promise;
    }
    const id = this.#nextId++;
    const settle: Pending["settle"] = (message, body) => {
      if (message.error !== undefined) return fail(decodeError(message.error));
      if (message.quota !== undefined) remote.onQuota?.(message.quota);
      const value = this.#marshal.decode(method.gives, message.value, { body, scope, place });
      if (!lasting.has(method.gives)) scope.dispose();
      resolve(value);
    };
    const body = new Body();
    let encoded: readonly Head[];
    try {
      encoded = method.args.map((kind, i) => this.#marshal.encode(kind, args[i], { body, scope }));
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
      return promise;
    }
    if (this.silentMs === 0) this.#lastHeard = performance.now();
    this.#pending.set(id, { place, settle, reject: fail });
    this.send({ t: "call", id, to: remote.id, name, args: encoded }, body.finish());
    this.#watchAbort(id, place);
    return promise;
  }

  /** Sends a message. */
  send(head: Head, body?: ArrayBuffer): void {
    if (this.#failure === undefined) this.#wire.send(head, body);
  }

  /** Passes an event on to a call of the other side. Never throws. */
  report(id: number, event: EngineEvent): void {
    try {
      const body = new Body();
      const encoded = encodeData(event, body);
      this.send({ t: "emit", id, event: encoded }, body.finish());
    } catch {
      // An event that is no data is not shown.
    }
  }

  /** What a caller is told in place of an error of the other side. */
  wrap(error: Error, place: Place): Error {
    return this.#options.wrap(error, place);
  }

  /** Ends everything that is under way. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
    this.streams.fail(error);
  }

  #watchAbort(id: number, place: Place): void {
    const { signal } = place;
    if (signal === undefined || this.#options.onAbort === undefined) return;
    const pending = this.#pending.get(id);
    const isOpen = (): boolean => this.#pending.get(id) === pending;
    const onAbort = (): void => {
      if (isOpen()) this.#options.onAbort?.(place, isOpen);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    if (pending === undefined) return;
    const { settle, reject } = pending;
    const drop = (): void => signal.removeEventListener("abort", onAbort);
    Object.assign(pending, {
      settle: (...args: Parameters<typeof settle>) => (drop(), settle(...args)),
      reject: (error: Error) => (drop(), reject(error)),
    });
  }

  #receive(head: unknown, body: ArrayBuffer | undefined): void {
    this.#lastHeard = performance.now();
    try {
      const message = fieldsOf(head);
      if (this.streams.receive(message.t, message, body)) return;
      switch (message.t) {
        case "call":
          return void this.#serve(message, body);
        case "answer":
          return this.#settle(message, body);
        case "abort":
          return this.#marshal.abort(message.id);
        case "emit":
          return this.#marshal.emit(message.id, message.event, body);
        case "fault":
          return this.#options.onBreach(`it failed on its own: ${decodeError(message.error).message}`);
        case "print":
          return this.#print(message.text);
        default:
          throw new TypeError("it sent a message of no known type");
      }
    } catch (error) {
      this.#options.onBreach(error instanceof Error ? error.message : String(error));
    }
  }

  #print(text: unknown): void {
    const { onPrint } = this.#options;
    if (onPrint === undefined || typeof text !== "string") throw new TypeError("it printed what is no text");
    this.#marshal.tell(onPrint(text.slice(0, 2048)));
  }

  #settle(message: Readonly<Record<string, unknown>>, body: ArrayBuffer | undefined): void {
    const id = Number(message.id);
    const pending = this.#pending.get(id);
    if (pending === undefined) throw new TypeError("it answers what was not asked");
    this.#pending.delete(id);
    try {
      pending.settle(message, body);
    } catch (error) {
      pending.reject(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  async #serve(message: Readonly<Record<string, unknown>>, raw: ArrayBuffer | undefined): Promise<void> {
    const id = Number(message.id);
    const scope = new DisposableStack();
    this.#serving++;
    try {
      const body = new Body();
      const { method, offered, value } = await this.#run(message, raw, scope);
      const encoded = this.#marshal.encode(method.gives, value, {
        body,
        scope,
        contents: offered.scope ?? scope,
      });
      const quota: unknown = Reflect.get(offered.target, "quota");
      const told = typeof quota === "function" ? { quota: encodeData(quota.call(offered.target), body) } : {};
      this.send({ t: "answer", id, value: encoded, ...told }, body.finish());
      if (!lasting.has(method.gives)) scope.dispose();
      if (message.name === "dispose") offered.scope?.dispose();
    } catch (error) {
      scope.dispose();
      this.send({ t: "answer", id, error: encodeError(error) });
    } finally {
      this.#serving--;
    }
  }

  async #run(
    message: Readonly<Record<string, unknown>>,
    body: ArrayBuffer | undefined,
    scope: DisposableStack,
  ): Promise<{ readonly method: Method; readonly offered: Offered; readonly value: unknown }> {
    const offered = this.#marshal.find(message.to);
    const name = String(message.name);
    const method = offered === undefined ? undefined : methodOf(offered.name, name);
    if (offered === undefined || method === undefined) throw new TypeError(`nothing is left to call ${name} of`);
    const place = { hook: `${offered.name}.${name}` };
    const given = listOf(message.args);
    const args = method.args.map((kind, i) => this.#marshal.decode(kind, given[i], { body, scope, place }));
    const work: unknown = Reflect.get(offered.target, name === "dispose" ? Symbol.asyncDispose : name);
    if (typeof work !== "function") throw new TypeError(`it has no ${name}`);
    const result: unknown = Reflect.apply(work, offered.target, args);
    // What gives items is not a promise; everything else may be one.
    return { method, offered, value: await result };
  }
}

function methodOf(name: Interface, method: string): Method | undefined {
  const methods: Readonly<Record<string, Method>> = interfaces[name];
  return Object.hasOwn(methods, method) ? methods[method] : undefined;
}
