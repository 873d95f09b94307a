import type { Store, StoreHook } from "../contract/store.ts";
import type { TransportHook, TransportSink, TransportSource } from "../contract/transport.ts";
import { checkBlobInfo, checkDescriptor, checkNamed, checkOptionalDescriptor, checkText } from "./check.ts";
import { type At, guardCall, guardEach, guardNow, placeIn } from "./guard_call.ts";

/** The store hook with every call guarded, also those into the stores that it opens. */
export function guardStore(hook: StoreHook, plugin: string): StoreHook {
  const at = placeIn(plugin, "store");
  return {
    driver: hook.driver,
    open: async (location, call) =>
      guardOpenStore(await guardCall({ ...at("open"), call }, () => hook.open(location, call)), at),
  };
}

/** The transport hook with every call guarded, also those into the sources and sinks that it opens. */
export function guardTransport(hook: TransportHook, plugin: string): TransportHook {
  const at = placeIn(plugin, "transport");
  return {
    schemes: hook.schemes,
    source: async (address, call) =>
      guardSource(await guardCall({ ...at("source"), call }, () => hook.source(address, call)), at),
    sink: async (address, call) =>
      guardSink(await guardCall({ ...at("sink"), call }, () => hook.sink(address, call)), at),
    login: (host, credential, call) => guardCall({ ...at("login"), call }, () => hook.login(host, credential, call)),
  };
}

function guardSource(source: TransportSource, at: At): TransportSource {
  return {
    ...guardReading(source, at),
    list: (prefix, call) => guardEach({ ...at("list"), call }, () => source.list(prefix, call), checkText),
    referrers: (query, call) =>
      guardEach({ ...at("referrers"), call }, () => source.referrers(query, call), checkDescriptor),
    quota: () => guardNow(at("quota"), () => source.quota()),
    [Symbol.asyncDispose]: guardDispose(source, at),
  };
}

function guardSink(sink: TransportSink, at: At): TransportSink {
  return {
    ...guardWriting(sink, at),
    mount: (descriptor, from, call) => guardCall({ ...at("mount"), call }, () => sink.mount(descriptor, from, call)),
    remove: (name, call) => guardCall({ ...at("remove"), call }, () => sink.remove(name, call)),
    commit: (call) => guardCall({ ...at("commit"), call }, () => sink.commit(call)),
    [Symbol.asyncDispose]: guardDispose(sink, at),
  };
}

function guardOpenStore(store: Store, at: At): Store {
  return {
    ...guardReading(store, at),
    ...guardWriting(store, at),
    ingest: (content, mediaType, call) =>
      guardCall({ ...at("ingest"), call }, () => store.ingest(content, mediaType, call), checkDescriptor),
    localPath: (digest) => guardNow(at("localPath"), () => store.localPath(digest)),
    blobs: (call) => guardEach({ ...at("blobs"), call }, () => store.blobs(call), checkBlobInfo),
    delete: (digest, call) => guardCall({ ...at("delete"), call }, () => store.delete(digest, call)),
    untag: (name, call) => guardCall({ ...at("untag"), call }, () => store.untag(name, call)),
    lease: (call) => guardCall({ ...at("lease"), call }, () => store.lease(call)),
    collect: (mark, call) => guardEach({ ...at("collect"), call }, () => store.collect(mark, call), checkBlobInfo),
    update: (changes, call) => guardCall({ ...at("update"), call }, () => store.update(changes, call)),
    revision: (call) => guardCall({ ...at("revision"), call }, () => store.revision(call), checkText),
    [Symbol.asyncDispose]: guardDispose(store, at),
  };
}

type Reading = Pick<Store, "names" | "resolve" | "open">;

function guardReading(source: Reading, at: At): Reading {
  return {
    names: (prefix, call) => guardEach({ ...at("names"), call }, () => source.names(prefix, call), checkNamed),
    resolve: (name, call) =>
      guardCall({ ...at("resolve"), call }, () => source.resolve(name, call), checkOptionalDescriptor),
    open: (descriptor, call, offset) => guardCall({ ...at("open"), call }, () => source.open(descriptor, call, offset)),
  };
}

type Writing = Pick<Store, "has" | "put" | "tag">;

function guardWriting(sink: Writing, at: At): Writing {
  return {
    has: (descriptor, call) => guardCall({ ...at("has"), call }, () => sink.has(descriptor, call)),
    put: (descriptor, open, call) => guardCall({ ...at("put"), call }, () => sink.put(descriptor, open, call)),
    tag: (descriptor, name, call) => guardCall({ ...at("tag"), call }, () => sink.tag(descriptor, name, call)),
  };
}

function guardDispose(resource: AsyncDisposable, at: At): () => Promise<void> {
  return () => guardCall(at("dispose"), async () => await resource[Symbol.asyncDispose]());
}
