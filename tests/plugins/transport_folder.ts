// deno-lint-ignore-file explicit-function-return-type
/** A transport plugin: `folder:DIR` holds blobs by digest and an index of names. It needs to read and write DIR. */
import type {
  ByteStream,
  Call,
  Descriptor,
  Named,
  PermissionRequest,
  PluginFactory,
  PluginSamples,
} from "../../core/contract/mod.ts";

const plugin: PluginFactory = ({ kit }) => {
  const blob = (folder: string, { digest }: Descriptor): string => `${folder}/${digest.replace(":", "-")}`;
  const check = ({ signal }: Call): void => {
    if (signal.aborted) throw kit.error("CANCELED", "Canceled");
  };
  const missing = (what: string): Error => kit.error("NOT_FOUND", `Cannot open ${what}: not found`);
  const size = async (path: string): Promise<number | undefined> => {
    try {
      return (await Deno.stat(path)).size;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  };
  const readNames = async (folder: string): Promise<Record<string, Descriptor>> => {
    const text = await size(`${folder}/names.json`) === undefined
      ? undefined
      : await Deno.readTextFile(`${folder}/names.json`);
    if (text === undefined) throw missing(`folder "${folder}"`);
    return JSON.parse(text);
  };
  const sorted = (names: Record<string, Descriptor>, prefix: string): Named[] =>
    Object.entries(names).filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, descriptor]) => ({ name, descriptor }));

  async function write(path: string, expected: number, content: ByteStream): Promise<void> {
    let left = expected;
    const counted = content.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller): void {
          left -= chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
    await Deno.writeFile(`${path}.part`, counted);
    if (left === 0) return await Deno.rename(`${path}.part`, path);
    await Deno.remove(`${path}.part`);
    throw kit.error("CONTENT_MISMATCH", `Cannot write "${path}": ${expected - left} bytes came, expected ${expected}`);
  }

  return {
    name: "transport-folder",
    api: 1,
    transport: [{
      schemes: ["folder"],
      async source(address, call) {
        check(call);
        const names = await readNames(address);
        return {
          names: async function* (prefix) {
            yield* sorted(names, prefix);
          },
          list: async function* (prefix) {
            for (const { name } of sorted(names, prefix)) yield name;
          },
          resolve: (name) => Promise.resolve(names[name] ?? Object.values(names).find(({ digest }) => digest === name)),
          async open(descriptor, own, offset = 0) {
            check(own);
            const path = blob(address, descriptor);
            if (await size(path) === undefined) throw missing(`blob "${descriptor.digest}"`);
            const file = await Deno.open(path);
            await file.seek(offset, 0);
            return file.readable;
          },
          referrers: async function* () {},
          quota: () => ({ limit: 100, remaining: 7 }),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        };
      },
      async sink(address, call) {
        check(call);
        const work = `${address}.work`;
        await Deno.mkdir(work, { recursive: true });
        const names: Record<string, Descriptor> = {};
        return {
          has: async (descriptor) => await size(blob(work, descriptor)) === descriptor.size,
          async put(descriptor, open, own) {
            check(own);
            const path = blob(work, descriptor);
            if (await size(path) === descriptor.size) return;
            const part = `${path}-${crypto.randomUUID()}`;
            await write(part, descriptor.size, await open());
            await Deno.rename(part, path);
          },
          async tag(descriptor, name) {
            if (await size(blob(work, descriptor)) === undefined) throw missing(`blob "${descriptor.digest}"`);
            names[name] = descriptor;
          },
          mount: () => Promise.resolve(false),
          remove: () => Promise.reject(kit.error("UNSUPPORTED", "Cannot remove from a folder")),
          async commit() {
            await Deno.writeTextFile(`${work}/names.json`, JSON.stringify(names));
            await Deno.rename(work, address);
          },
          async [Symbol.asyncDispose]() {
            await Deno.remove(work, { recursive: true }).catch(() => {});
          },
        };
      },
      login: (host) => Promise.reject(kit.error("UNSUPPORTED", `Cannot log in to ${host}: folders have no logins`)),
    }],
  };
};
export default plugin;
export const permissions: PermissionRequest = { read: true, write: true };

export const samples: PluginSamples = { transport: { folder: { address: "{folder}/{n}" } } };
