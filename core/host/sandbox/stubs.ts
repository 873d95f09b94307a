import type { OpenContent } from "../../contract/call.ts";
import type { LayerContext, Tree } from "../../contract/layer.ts";
import type { ParseContext } from "../../contract/parse.ts";
import type { Store } from "../../contract/store.ts";
import type { TransportSink, TransportSource } from "../../contract/transport.ts";
import type { Digest } from "../../oci/descriptor.ts";
import { decodeData } from "./codec.ts";
import { type Batch, type ItemCalls, readItems } from "./items.ts";
import type { Place, Remote, RemoteCaller } from "./remote.ts";
import { type Interface, interfaces, type Method } from "./schema.ts";

/** A method of the other side's object. What it gives has no type: guards check what strata gets, and plugins get strata's own. */
type RemoteMethod = (...args: readonly unknown[]) => unknown;

/** The part of a plugin that an interface belongs to, for messages. */
const hooks: Readonly<Partial<Record<Interface, string>>> = {
  storeHook: "store",
  lease: "store",
  source: "transport",
  sink: "transport",
};

/** The methods of an interface as calls to the other side. */
export function methodsOf(peer: RemoteCaller, remote: Remote): Readonly<Record<string, RemoteMethod>> {
  const all: readonly (readonly [string, Method])[] = Object.entries(interfaces[remote.name]);
  return Object.fromEntries(all.map(([name, method]) => [name, methodOf(peer, remote, name, method)]));
}

function methodOf(peer: RemoteCaller, remote: Remote, name: string, method: Method): RemoteMethod {
  const hook = `${hooks[remote.name] ?? remote.name}.${name}`;
  const at = method.args.findIndex((kind) => kind === "call" || kind === "parseContext" || kind === "layerContext");
  const placeOf = (args: readonly unknown[]): Place => {
    const signal: unknown = Object(args[at]).signal;
    return signal instanceof AbortSignal ? { hook, signal } : { hook };
  };
  if (method.gives !== "list" && method.gives !== "entries") {
    return (...args) => peer.call(remote, name, args, placeOf(args));
  }
  // A list that is made of this answer's kind has the calls of its items.
  return (...args) => readItems(async () => await peer.call(remote, name, args, placeOf(args)) as ItemCalls);
}

/** Calls into a walk of the other side; `onEnd` is called when it is over. */
export function itemCalls(peer: RemoteCaller, remote: Remote, place: Place, onEnd: () => void): ItemCalls {
  const call = (name: string): Promise<unknown> => peer.call(remote, name, [], place);
  return {
    async next(): Promise<Batch> {
      try {
        const batch = await call("next") as Batch;
        if (batch.isLast) onEnd();
        return batch;
      } catch (error) {
        onEnd();
        throw error;
      }
    },
    async leave(): Promise<void> {
      try {
        if (!peer.hasEnded) await call("leave");
      } finally {
        onEnd();
      }
    },
  };
}

/** Content of the other side. */
export function content(peer: RemoteCaller, id: number, place: Place): OpenContent {
  return async (offset) =>
    await peer.call({ name: "content", id }, "open", [offset], place) as Awaited<
      ReturnType<OpenContent>
    >;
}

/** What is to be kept in a collection, asked of the other side. */
export function marks(peer: RemoteCaller, id: number, place: Place): () => Promise<ReadonlySet<Digest>> {
  return async () => await peer.call({ name: "marks", id }, "mark", [], place) as ReadonlySet<Digest>;
}

/** A tree of the other side. */
export function tree(peer: RemoteCaller, id: number): Tree {
  return methodsOf(peer, { name: "tree", id }) as unknown as Tree;
}

/** The context of a parse; `known` is what came along. */
export function parseContext(peer: RemoteCaller, id: number, known: object): ParseContext {
  return { ...methodsOf(peer, { name: "parseContext", id }), ...known } as unknown as ParseContext;
}

/** The context of a layer; `known` is what came along. */
export function layerContext(peer: RemoteCaller, id: number, known: object): LayerContext {
  const { run, recall, ingest, remember, open } = methodsOf(peer, { name: "layerContext", id });
  const scratch = {
    recall,
    ingest,
    remember,
    open: (descriptor: unknown) => (offset?: number) => open?.(descriptor, offset),
  };
  return { sourceDateEpoch: undefined, ...known, run, scratch } as LayerContext;
}

/** An open store of the other side. It has no files here, whatever it says. */
export function store(peer: RemoteCaller, id: number, onEnd: () => void): Store {
  const remote: Remote = { name: "store", id };
  return {
    ...methodsOf(peer, remote),
    localPath: () => undefined,
    ...disposal(peer, remote, onEnd),
  } as unknown as Store;
}

/** An open place of the other side to read from. What it tells of its quota comes along with its answers. */
export function source(peer: RemoteCaller, id: number, onEnd: () => void): TransportSource {
  let quota: unknown;
  const remote: Remote = { name: "source", id, onQuota: (told) => quota = decodeData(told, undefined) };
  return {
    ...methodsOf(peer, remote),
    quota: () => quota,
    ...disposal(peer, remote, onEnd),
  } as unknown as TransportSource;
}

/** An open place of the other side to write to. */
export function sink(peer: RemoteCaller, id: number, onEnd: () => void): TransportSink {
  const remote: Remote = { name: "sink", id };
  return { ...methodsOf(peer, remote), ...disposal(peer, remote, onEnd) } as unknown as TransportSink;
}

/** Something of the other side that is only ended. */
export function lease(peer: RemoteCaller, id: number, onEnd: () => void): AsyncDisposable {
  return disposal(peer, { name: "lease", id }, onEnd);
}

/** Disposing is asked for once; of a side that has ended there is nothing to ask. */
function disposal(peer: RemoteCaller, remote: Remote, onEnd: () => void): AsyncDisposable {
  const dispose = methodsOf(peer, remote).dispose;
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    try {
      if (!peer.hasEnded) await dispose?.();
    } finally {
      onEnd();
    }
  };
  return { [Symbol.asyncDispose]: () => ending ??= end() };
}
