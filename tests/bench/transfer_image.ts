import { join } from "@std/path";

/**
 * Copies files and links of a tree into a build context with one folder for each layer, `1` to `layers`, each filled up to a number of bytes
 * in the order of the paths, and with a Dockerfile that copies one after the other.
 */
export async function stageLayers(
  tree: string,
  context: string,
  { layers, layerBytes }: { readonly layers: number; readonly layerBytes: number },
): Promise<void> {
  let layer = 1;
  let bytes = 0;
  await Deno.mkdir(context);
  for (const { path, info } of walk(tree)) {
    if (bytes >= layerBytes) {
      layer++;
      bytes = 0;
    }
    if (layer > layers) break;
    // One file of half a layer would make all the difference to how layers compare.
    if (info.size > layerBytes / 4) continue;
    const target = join(context, String(layer), path);
    Deno.mkdirSync(join(target, ".."), { recursive: true });
    if (info.isSymlink) Deno.symlinkSync(Deno.readLinkSync(path), target);
    else Deno.copyFileSync(path, target);
    bytes += info.isSymlink ? 0 : info.size;
  }
  const lines = Array.from({ length: layers }, (_, i) => `COPY ${i + 1} /`);
  await Deno.writeTextFile(join(context, "Dockerfile"), ["FROM scratch", ...lines, ""].join("\n"));
}

function* walk(folder: string): Generator<{ readonly path: string; readonly info: Deno.FileInfo }> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  for (const path of names.map((name) => join(folder, name))) {
    const info = Deno.lstatSync(path);
    if (info.isDirectory) yield* walk(path);
    else if (info.isFile || info.isSymlink) yield { path, info };
  }
}

/** Makes a store that has what another one has; blobs, which nobody changes, are the same files. */
export async function cloneStore(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { mode: 0o700 });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    if (isDirectory) await cloneStore(source, target);
    else if (/\/blobs\/\w+$/.test(from)) await Deno.link(source, target);
    else await Deno.copyFile(source, target);
  }
}
