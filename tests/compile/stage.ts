/** Finds what a binary is made of and puts just that into a folder of its own. */
import { fromFileUrl, join, relative, toFileUrl } from "@std/path";

/** A folder that holds the program and nothing else. */
export interface Staged {
  /** Absolute path. */
  readonly folder: string;
  /** Files of the program, as paths in the folder: modules, and the types that they are checked with. */
  readonly files: readonly string[];
  /** Modules that nothing imports, since threads start with them. */
  readonly workers: readonly string[];
  /** Packages of npm that the program uses, as `name@version`. */
  readonly packages: readonly string[];
}

/** The file that tells a binary the commit it was made from; core/image/strata_commit.ts reads it. */
export const commitFile = "commit.txt";

interface Module {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly { readonly specifier: string }[];
}

interface Graph {
  readonly modules: readonly Module[];
  readonly npmPackages: Readonly<Record<string, { readonly dependencies?: readonly string[] }>>;
}

/**
 * Copies the program of the repository at `root` to `folder`: cli.ts and what it imports, at once or later, and the modules that its
 * threads start with. Throws when a module is missing.
 */
export async function stageProgram(root: string, folder: string, commit: string): Promise<Staged> {
  const { graph, workers } = await readProgram(root);
  const files = localFiles(graph, root);
  for (const file of files) {
    const target = join(folder, file);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.copyFile(join(root, file), target);
  }
  await Deno.writeTextFile(join(folder, "deno.json"), await ownConfig(root, graph));
  const packages = usedPackages(graph);
  await Deno.writeTextFile(join(folder, "deno.lock"), await ownLock(root, packages));
  await Deno.writeTextFile(join(folder, commitFile), `${commit}\n`);
  return { folder, files, workers, packages };
}

/** Reads imports again until no module names a thread that was not known. */
async function readProgram(root: string): Promise<{ readonly graph: Graph; readonly workers: readonly string[] }> {
  let workers: readonly string[] = [];
  while (true) {
    const graph = await readGraph(root, ["cli.ts", ...workers]);
    const found = await findWorkers(root, localFiles(graph, root));
    if (found.length === workers.length) return { graph, workers: found };
    workers = found;
  }
}

async function readGraph(root: string, entries: readonly string[]): Promise<Graph> {
  const folder = await Deno.makeTempDir({ prefix: "strata-graph-" });
  try {
    // One module that imports them all, since `deno info` takes one.
    const all = join(folder, "all.ts");
    await Deno.writeTextFile(all, entries.map((path) => `import "${toFileUrl(join(root, path))}";`).join("\n"));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", join(root, "deno.json"), all],
    }).output();
    if (!success) throw new TypeError(`Cannot read imports: ${new TextDecoder().decode(stderr)}`);
    const graph: Graph = JSON.parse(new TextDecoder().decode(stdout));
    const missing = graph.modules.find(({ error }) => error !== undefined);
    if (missing !== undefined) throw new TypeError(`Cannot read module "${missing.specifier}": ${missing.error}`);
    return graph;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Paths in the repository of the modules that are its own. */
function localFiles({ modules }: Graph, root: string): string[] {
  const base = `${toFileUrl(root).href}/`;
  const own = modules.filter(({ specifier }) => specifier.startsWith(base));
  return own.map(({ specifier }) => relative(root, fromFileUrl(specifier)).replaceAll("\\", "/")).sort();
}

/** Modules that code names by their place beside it, which is how threads are started: `new URL("./x.ts", import.meta.url)`. */
async function findWorkers(root: string, files: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const file of files) {
    const text = await Deno.readTextFile(join(root, file));
    for (const [, place = ""] of text.matchAll(/\bnew URL\(([^;]*?),\s*import\.meta\.url\)/g)) {
      for (const [, path = ""] of place.matchAll(/"([^"]+\.ts)"/g)) found.add(join(file, "..", path));
    }
  }
  return [...found].sort();
}

/** Packages that the program's own modules import, and what those need. */
function usedPackages({ modules, npmPackages }: Graph): string[] {
  const used = new Set<string>();
  const add = (id: string): void => {
    if (used.has(id)) return;
    used.add(id);
    for (const each of npmPackages[id]?.dependencies ?? []) add(each);
  };
  for (const { specifier } of modules) {
    const id = Object.keys(npmPackages).find((name) =>
      specifier.startsWith(`npm:/${name}/`) || specifier === `npm:/${name}`
    );
    if (id !== undefined) add(id);
  }
  return [...used].sort();
}

/** The repository's deno.json with what running and checking the program needs, and only the imports that it uses. */
async function ownConfig(root: string, { modules }: Graph): Promise<string> {
  const config: RepositoryConfig = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const used = new Set(modules.flatMap(({ dependencies = [] }) => dependencies.map(({ specifier }) => specifier)));
  const imports = Object.entries(config.imports).filter(([name]) =>
    [...used].some((specifier) => specifier === name || specifier.startsWith(`${name}/`))
  );
  const { version, compilerOptions, unstable } = config;
  return JSON.stringify({
    version,
    compilerOptions,
    unstable,
    imports: Object.fromEntries(imports),
    nodeModulesDir: "none",
  });
}

/** The repository's deno.lock with those packages only. */
async function ownLock(root: string, packages: readonly string[]): Promise<string> {
  const { version, specifiers = {}, npm = {} }: Lock = JSON.parse(await Deno.readTextFile(join(root, "deno.lock")));
  const unknown = packages.find((id) => npm[id] === undefined);
  if (unknown !== undefined) throw new TypeError(`Cannot find package "${unknown}" in deno.lock: run "deno install"`);
  const isUsed = ([specifier, resolved]: readonly [string, string]): boolean =>
    packages.includes(`${specifier.slice("npm:".length, specifier.lastIndexOf("@"))}@${resolved}`);
  return JSON.stringify({
    version,
    specifiers: Object.fromEntries(Object.entries(specifiers).filter(isUsed)),
    npm: Object.fromEntries(Object.entries(npm).filter(([id]) => packages.includes(id))),
  });
}

interface Lock {
  readonly version: string;
  readonly specifiers?: Readonly<Record<string, string>>;
  readonly npm?: Readonly<Record<string, unknown>>;
}

interface RepositoryConfig {
  readonly version: string;
  readonly compilerOptions: unknown;
  readonly unstable: readonly string[];
  readonly imports: Readonly<Record<string, string>>;
}
