// deno-lint-ignore-file explicit-function-return-type
/** A store plugin: blobs and names in memory, the same for every store that is opened at one location. It needs no permission. */
import type {
  BlobInfo,
  ByteStream,
  Call,
  Descriptor,
  Digest,
  NameChange,
  Named,
  OpenContent,
  PluginFactory,
  PluginSamples,
  Store,
} from "../../core/contract/mod.ts";

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly createdAt: Date;
  used: number;
}

const plugin: PluginFactory = ({ kit }) => {
  const places = new Map<string, ReturnType<typeof newPlace>>();
  const newPlace = () => ({
    blobs: new Map<Digest, Stored>(),
    names: new Map<string, Named>(),
    leases: new Set<number>(),
    counter: 1,
    changes: 0,
    isCollecting: false,
  });
  const check = ({ signal }: Call): void => {
    if (signal.aborted) throw kit.error("CANCELED", "Canceled");
  };
  const missing = (what: string): Error => kit.error("NOT_FOUND", `Cannot find blob "${what}"`);

  async function digestOf(bytes: Uint8Array<ArrayBuffer>, algorithm: string): Promise<string> {
    const name = algorithm === "sha512" ? "SHA-512" : "SHA-256";
    return `${algorithm}:${new Uint8Array(await crypto.subtle.digest(name, bytes)).toHex()}`;
  }

  async function readAll(stream: ByteStream, limit: number, call: Call): Promise<Uint8Array<ArrayBuffer>> {
    const reader = stream.getReader();
    const leave = (): void => void reader.cancel().catch(() => {});
    call.signal.addEventListener("abort", leave, { once: true });
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        check(call);
        size += next.value.length;
        if (size > limit) throw kit.error("CONTENT_MISMATCH", `Cannot write blob: more than ${limit} bytes came`);
        chunks.push(next.value);
      }
      check(call);
      return new Uint8Array(await new Blob(chunks).arrayBuffer());
    } finally {
      call.signal.removeEventListener("abort", leave);
      leave();
    }
  }

  function openStore(location: string): Store {
    let place = places.get(location);
    if (place === undefined) places.set(location, place = newPlace());
    const state = place;
    const own = new Set<number>();
    const find = (digest: Digest): Stored | undefined => {
      const blob = state.blobs.get(digest);
      if (blob !== undefined && own.size > 0) blob.used = state.counter;
      return blob;
    };
    const land = (digest: Digest, bytes: Uint8Array<ArrayBuffer>): void => {
      const createdAt = state.blobs.get(digest)?.createdAt ?? new Date();
      state.blobs.set(digest, { bytes, createdAt, used: state.counter });
    };
    const infoOf = (digest: Digest, { bytes, createdAt }: Stored): BlobInfo => ({
      digest,
      size: bytes.length,
      createdAt,
    });
    // Code points sort as UTF-8 bytes do.
    const compare = (a: string, b: string): number => {
      const [left, right] = [[...a], [...b]];
      const at = left.findIndex((point, i) => point !== right[i]);
      if (at < 0) return left.length - right.length;
      return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
    };
    const update = async (changes: readonly NameChange[], call: Call): Promise<void> => {
      check(call);
      for (const { name, descriptor } of changes) {
        if (name === "") throw kit.error("INVALID_ARGUMENT", 'Cannot use name "": it is empty');
        if (descriptor !== undefined && find(descriptor.digest)?.bytes.length !== descriptor.size) {
          throw missing(descriptor.digest);
        }
      }
      state.changes++;
      for (const { name, descriptor } of changes) {
        if (descriptor === undefined) state.names.delete(name);
        else state.names.set(name, { name, descriptor, updatedAt: new Date() });
      }
      await Promise.resolve();
    };
    const has = async (descriptor: Descriptor, call: Call): Promise<boolean> => {
      check(call);
      return await Promise.resolve(find(descriptor.digest)?.bytes.length === descriptor.size);
    };
    return {
      async *names(prefix, call) {
        check(call);
        const named = [...state.names.values()].filter(({ name }) => name.startsWith(prefix));
        yield* named.sort((a, b) => compare(a.name, b.name));
      },
      async resolve(name, call) {
        check(call);
        return await Promise.resolve(state.names.get(name)?.descriptor);
      },
      async open({ digest }, call, offset = 0) {
        check(call);
        const blob = find(digest);
        if (blob === undefined) throw missing(digest);
        if (offset < 0 || offset > blob.bytes.length) {
          throw kit.error("INVALID_ARGUMENT", `Cannot open blob at ${offset}: it has ${blob.bytes.length} bytes`);
        }
        return await Promise.resolve(new Blob([blob.bytes.subarray(offset)]).stream());
      },
      has,
      async put(descriptor: Descriptor, open: OpenContent, call: Call) {
        if (await has(descriptor, call)) return;
        const bytes = await readAll(await open(), descriptor.size, call);
        const actual = await digestOf(bytes, descriptor.digest.split(":")[0] ?? "");
        if (bytes.length !== descriptor.size || actual !== descriptor.digest) {
          throw kit.error("CONTENT_MISMATCH", `Cannot write blob "${descriptor.digest}": its digest is ${actual}`);
        }
        land(descriptor.digest, bytes);
      },
      tag: (descriptor, name, call) => update([{ name, descriptor }], call),
      async ingest(content, mediaType, call) {
        const bytes = await readAll(content, Infinity, call);
        const digest = await digestOf(bytes, "sha256") as Digest;
        land(digest, bytes);
        return { mediaType, digest, size: bytes.length };
      },
      localPath: () => "/etc/passwd",
      async *blobs(call) {
        check(call);
        for (const [digest, blob] of state.blobs) yield infoOf(digest, blob);
      },
      async delete(digest, call) {
        check(call);
        return await Promise.resolve(state.blobs.delete(digest));
      },
      async untag(name, call) {
        check(call);
        state.changes++;
        return await Promise.resolve(state.names.delete(name));
      },
      async lease(call) {
        check(call);
        const start = ++state.counter;
        state.leases.add(start);
        own.add(start);
        const end = (): void => {
          state.leases.delete(start);
          own.delete(start);
        };
        return await Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(end()) });
      },
      async *collect(mark, call) {
        check(call);
        if (state.isCollecting) throw kit.error("CONFLICT", "Cannot collect blobs: another store is collecting");
        state.isCollecting = true;
        try {
          const horizon = Math.min(++state.counter, ...state.leases);
          const marked = await mark();
          const doomed = [...state.blobs].filter(([digest, blob]) => blob.used < horizon && !marked.has(digest));
          for (const [digest] of doomed) state.blobs.delete(digest);
          for (const [digest, blob] of doomed) yield infoOf(digest, blob);
        } finally {
          state.isCollecting = false;
        }
      },
      update,
      async revision(call) {
        check(call);
        return await Promise.resolve(String(state.changes));
      },
      async [Symbol.asyncDispose]() {
        for (const start of own) state.leases.delete(start);
        own.clear();
        await Promise.resolve();
      },
    };
  }

  return {
    name: "store-memory",
    api: 1,
    store: [{
      driver: "memory",
      async open(location, call) {
        check(call);
        return await Promise.resolve(openStore(location));
      },
    }],
  };
};
export default plugin;

export const samples: PluginSamples = { store: { memory: "place-{n}" } };
