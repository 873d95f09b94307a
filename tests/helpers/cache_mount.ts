import type { Engine } from "../../core/engine.ts";
import { openCacheMounts } from "../../core/image/cache_mount.ts";
import type { MountLease, MountSharing } from "../../core/snapshot/mount_store.ts";
import { testCall } from "./temp_engine.ts";

/** Takes a cache mount as a command does; a new one gets the files. */
export async function takeMount(
  engine: Pick<Engine, "config" | "clock">,
  id: string,
  options: { readonly files?: Readonly<Record<string, string>>; readonly sharing?: MountSharing } = {},
): Promise<MountLease> {
  const { files = { file: id }, sharing = "shared" } = options;
  const lease = await openCacheMounts(engine).acquire({ id, sharing }, testCall());
  if (!lease.isNew) return lease;
  for (const [name, text] of Object.entries(files)) {
    const path = `${lease.path}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  lease.commitNew();
  return lease;
}

/** Makes a cache mount that nobody has. */
export async function makeMount(...args: Parameters<typeof takeMount>): Promise<void> {
  (await takeMount(...args))[Symbol.dispose]();
}

/** Path and text of each file of a cache mount; undefined when there is none. */
export function mountFiles(
  engine: Pick<Engine, "config" | "clock">,
  id: string,
): Readonly<Record<string, string>> | undefined {
  const info = openCacheMounts(engine).list().find((each) => each.id === id);
  return info === undefined ? undefined : Object.fromEntries(filesIn(`${info.directory}/data`, ""));
}

function* filesIn(directory: string, below: string): Generator<readonly [string, string]> {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(directory)) {
    if (isDirectory) yield* filesIn(`${directory}/${name}`, `${below}${name}/`);
    else if (isFile) yield [`${below}${name}`, Deno.readTextFileSync(`${directory}/${name}`)];
  }
}
