import { createKit } from "../../core/kit.ts";

/** A registry of npm that gives packages from Deno's cache, so that nothing is asked of another host. */
export interface NpmRegistry extends AsyncDisposable {
  /** URL, for `STRATA_NPM_REGISTRY`. */
  readonly url: string;
}

/** Starts a registry with packages, `name@version`, that this repository's `deno.lock` has. */
export async function startNpmRegistry(...packages: readonly string[]): Promise<NpmRegistry> {
  const files = new Map<string, string | Uint8Array<ArrayBuffer>>();
  const end = new AbortController();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {}, signal: end.signal },
    (request) => {
      const found = files.get(new URL(request.url).pathname);
      return found === undefined ? new Response(null, { status: 404 }) : new Response(found);
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  for (const each of packages) {
    const [name = "", version = ""] = each.split("@");
    const folder = await cachedPackage(name, version);
    const archive = await pack(folder);
    const integrity = `sha512-${new Uint8Array(await crypto.subtle.digest("SHA-512", archive)).toBase64()}`;
    const facts = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    const dist = { tarball: `${url}/${each}.tgz`, integrity };
    files.set(`/${name}/${version}`, JSON.stringify({ ...facts, dist }));
    files.set(`/${each}.tgz`, archive);
  }
  return {
    url,
    async [Symbol.asyncDispose](): Promise<void> {
      end.abort();
      await server.finished;
    },
  };
}

/** Folder of Deno's cache that a package is in; it is put there first when it is not. */
async function cachedPackage(name: string, version: string): Promise<string> {
  await new Deno.Command(Deno.execPath(), { args: ["cache", "--quiet", `npm:${name}@${version}`] }).output();
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stderr: "null" }).output();
  const { npmCache }: { readonly npmCache: string } = JSON.parse(new TextDecoder().decode(info.stdout));
  for await (const host of Deno.readDir(npmCache)) {
    const folder = `${npmCache}/${host.name}/${name}/${version}`;
    if (await Deno.stat(folder).then(() => true, () => false)) return folder;
  }
  throw new Error(`${name}@${version} is not in Deno's cache`);
}

async function pack(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const call = { signal: new AbortController().signal, emit: (): void => {} };
  const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  type File = typeof meta & {
    readonly type: "file";
    readonly path: string;
    readonly size: number;
    readonly content: Uint8Array<ArrayBuffer>;
  };
  async function* walk(path: string): AsyncGenerator<File> {
    for await (const entry of Deno.readDir(`${folder}${path}`)) {
      if (entry.isDirectory) yield* walk(`${path}/${entry.name}`);
      if (!entry.isFile) continue;
      const content = await Deno.readFile(`${folder}${path}/${entry.name}`);
      yield { ...meta, type: "file", path: `package${path}/${entry.name}`, size: content.length, content };
    }
  }
  const tar = createKit().writeTar(walk(""), call);
  return new Uint8Array(await new Response(tar.pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
}
