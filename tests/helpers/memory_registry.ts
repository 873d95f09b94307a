import type {
  Call,
  Credential,
  Descriptor,
  Named,
  PluginFactory,
  Store,
  TransportHook,
  TransportSource,
} from "../../core/contract/mod.ts";
import type { PluginEntry } from "../../core/engine.ts";
import { EngineError } from "../../core/errors.ts";
import { builtins } from "../../plugins/mod.ts";
import { createMemoryStore } from "./memory_store.ts";

/** Registries in memory behind the transport contract, for tests of what core does with one. */
export interface MemoryRegistry {
  /** The built-in plugins with this one in place of the one that speaks HTTP. */
  readonly plugins: readonly PluginEntry[];
  /** Content of a repository, by `host/repository`; made when first asked for. */
  repository(address: string): Store;
  /** What was asked for, in order: `put`, `mount` or `open` with a digest. */
  readonly log: string[];
  /** The one login that is right; every one when left out. */
  login: Credential | undefined;
}

/** Makes registries without anything in them. */
export function createMemoryRegistry(): MemoryRegistry {
  const repositories = new Map<string, Store>();
  const log: string[] = [];
  const repository = (address: string): Store => {
    const found = repositories.get(address) ?? createMemoryStore();
    repositories.set(address, found);
    return found;
  };
  const registry: MemoryRegistry = { plugins: [], repository, log, login: undefined };
  const hook = createHook(registry);
  const factory: PluginFactory = () => ({ name: "transport-registry", api: 1, transport: [hook] });
  const entry: PluginEntry = {
    name: "transport-registry",
    provides: { transport: ["registry"] },
    load: () => Promise.resolve({ default: factory }),
  };
  return Object.assign(registry, { plugins: [...builtins.filter(({ name }) => name !== entry.name), entry] });
}

function createHook(registry: MemoryRegistry): TransportHook {
  const { repository, log } = registry;
  return {
    schemes: ["registry"],
    source(address): Promise<TransportSource> {
      const { place, name } = splitAddress(address);
      const store = repository(place);
      const isMeant = (each: string): boolean => name === undefined || each === name;
      return Promise.resolve({
        async *names(prefix: string, inner: Call): AsyncGenerator<Named> {
          for await (const named of store.names(prefix, inner)) if (isMeant(named.name)) yield named;
        },
        async *list(prefix: string, inner: Call): AsyncGenerator<string> {
          for await (const named of store.names(prefix, inner)) if (isMeant(named.name)) yield named.name;
        },
        resolve: async (wanted: string, inner: Call) => await resolve(store, wanted, inner),
        open: (descriptor: Descriptor, inner: Call, offset?: number) => {
          log.push(`open ${descriptor.digest}`);
          return store.open(descriptor, inner, offset);
        },
        async *referrers(): AsyncGenerator<Descriptor> {},
        quota: () => undefined,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
    sink: (address) => {
      const { place } = splitAddress(address);
      const store = repository(place);
      return Promise.resolve({
        has: (descriptor, inner) => store.has(descriptor, inner),
        put: async (descriptor, open, inner) => {
          log.push(`put ${descriptor.digest}`);
          await store.put(descriptor, open, inner);
        },
        mount: async (descriptor, from, inner) => {
          if (!await repository(from).has(descriptor, inner)) return false;
          log.push(`mount ${descriptor.digest}`);
          await store.put(descriptor, () => repository(from).open(descriptor, inner), inner);
          return true;
        },
        tag: (descriptor, name, inner) => store.tag(descriptor, name, inner),
        remove: (name, inner) => store.untag(name, inner),
        commit: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
    login: (host, credential) => {
      const { login } = registry;
      if (login === undefined || (login.username === credential.username && login.secret === credential.secret)) {
        return Promise.resolve(credential);
      }
      return Promise.reject(new EngineError("UNAUTHORIZED", `Cannot log in to "${host}"`));
    },
  };
}

async function resolve(store: Store, wanted: string, call: Call): Promise<Descriptor | undefined> {
  if (!wanted.includes(":")) return await store.resolve(wanted, call);
  for await (const { descriptor } of store.names("", call)) if (descriptor.digest === wanted) return descriptor;
  return undefined;
}

function splitAddress(address: string): { readonly place: string; readonly name: string | undefined } {
  const match = /^([^/]+\/[^:@]+)(?:[:@](.+))?$/.exec(address);
  return { place: match?.[1] ?? address, name: match?.[2] };
}
