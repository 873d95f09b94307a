/** The rules of docs/architecture.md that a program can check: who imports whom, cycles, sizes, where privileges are used. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join, relative, toFileUrl } from "@std/path";

const root = fromFileUrl(new URL("..", import.meta.url));

/** Zones from the most special to the most general; a file is in the first whose prefix it has. */
const zones: readonly (readonly [prefix: string, zone: string])[] = [
  ["core/errors.ts", "errors"],
  ["core/kit", "kit"],
  ["core/config", "config"],
  ["core/engine", "engine"],
  ["core/std/", "std"],
  ["core/oci/", "oci"],
  ["core/path/", "path"],
  ["core/stream/", "stream"],
  ["core/contract/", "contract"],
  ["core/tar/", "tar"],
  ["core/layer/", "layer"],
  ["core/store/", "store"],
  ["core/host/", "host"],
  ["core/conformance/", "conformance"],
  ["core/os/", "os"],
  ["core/snapshot/", "snapshot"],
  ["core/build/", "build"],
  ["core/image/", "image"],
  ["core/cli/", "cli"],
  ["core/api/", "api"],
  ["plugins/mod.ts", "plugin-list"],
  ["mod.ts", "entry"],
  ["cli.ts", "entry"],
];

const pure = ["errors", "oci", "path", "stream"];
/** What each zone may import besides itself; a name with `:type` may be imported for its types only. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  std: [],
  errors: [],
  oci: ["errors"],
  path: ["errors", "oci"],
  stream: ["errors", "oci", "contract:type"],
  contract: ["oci:type", "errors:type"],
  tar: ["contract:type", ...pure],
  kit: ["contract:type", "tar", ...pure],
  layer: ["contract:type", "tar", ...pure],
  store: ["contract:type", "tar", ...pure],
  host: ["contract:type", "kit", "errors", "oci"],
  conformance: ["contract:type", "host", ...pure],
  os: ["oci", "path", "errors", "contract:type"],
  snapshot: ["os", "contract:type", "layer", ...pure],
  build: ["host", "layer", "store", "snapshot", "os", "contract:type", ...pure],
  config: ["host", "store", "snapshot", "os", "contract:type", ...pure],
  engine: ["config", "kit", "host", "store", "snapshot", "os", "contract:type", ...pure],
  image: [
    "engine",
    "config",
    "conformance",
    "kit",
    "build",
    "layer",
    "store",
    "snapshot",
    "host",
    "os",
    "tar",
    "contract:type",
    ...pure,
  ],
  cli: ["image", "api", "engine:type", "config:type", "contract:type", "errors", "oci", "std"],
  api: ["image", "engine:type", "contract:type", "errors", "oci"],
  "plugin-list": ["plugin", "host:type"],
  plugin: ["contract:type"],
  entry: ["*"],
};

/** Third-party modules by zone; `node:` stands for every built-in module of Node. */
const thirdParty: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  oci: ["@std/path"],
  path: ["@std/path"],
  stream: ["@std/path", "node:crypto", "node:stream", "node:zlib"],
  cli: ["@std/cli/"],
  conformance: ["@std/assert"],
  // Of Node's modules those that listen at a descriptor.
  api: ["hono", "zod", "node:http", "node:stream"],
  plugin: ["@std/path", "node:"],
  std: ["npm:deno-std@"],
  entry: ["@std/path"],
};

/** Single files that may import one module more; each has its reason in an ADR or beside the import. */
const exceptions: readonly (readonly [file: string, specifier: string])[] = [
  ["core/stream/xz.ts", "npm:xz-decompress@"],
];

/** Longer than 400 lines, with the reason. */
const longFiles: Readonly<Record<string, string>> = {
  "examples/plugins/build_script.ts": "a plugin is one file",
  "examples/plugins/instructions.ts": "a plugin is one file",
  "examples/plugins/store_s3.ts": "a plugin is one file",
  "examples/plugins/transport_s3.ts": "a plugin is one file",
};

interface Dependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string };
  readonly type?: { readonly specifier?: string };
}

interface Edge {
  readonly from: string;
  readonly specifier: string;
  readonly to: string;
  readonly isTypeOnly: boolean;
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(join(root, folder))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* walk(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

async function productFiles(): Promise<string[]> {
  const files = ["mod.ts", "cli.ts"];
  for (const folder of ["core", "plugins"]) for await (const path of walk(folder)) files.push(path);
  return files.filter((path) => !path.endsWith("_test.ts") && !path.endsWith(".d.ts")).sort();
}

function zoneOf(path: string): string {
  return zones.find(([prefix]) => path.startsWith(prefix))?.[1] ?? (path.startsWith("plugins/") ? "plugin" : "other");
}

async function readEdges(files: readonly string[]): Promise<Edge[]> {
  const folder = await Deno.makeTempDir();
  try {
    const entry = join(folder, "all.ts");
    await Deno.writeTextFile(entry, files.map((file) => `import "${toFileUrl(join(root, file))}";`).join("\n"));
    const run = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", join(root, "deno.json"), entry],
      stderr: "inherit",
    });
    const graph = JSON.parse(new TextDecoder().decode((await run.output()).stdout));
    const missing = graph.modules.filter((module: { error?: string }) => module.error !== undefined);
    assertEquals(missing, [], "every module can be read");
    assertEquals(graph.modules.length > files.length, true, "the graph holds every file");
    const edges: Edge[] = [];
    for (const module of graph.modules) {
      if (!String(module.specifier).startsWith(toFileUrl(root).href)) continue;
      const from = relative(root, fromFileUrl(module.specifier));
      for (const dependency of (module.dependencies ?? []) as Dependency[]) {
        const target = dependency.code?.specifier ?? dependency.type?.specifier ?? dependency.specifier;
        const to = target.startsWith("file:") ? relative(root, fromFileUrl(target)) : target;
        edges.push({ from, specifier: dependency.specifier, to, isTypeOnly: dependency.code === undefined });
      }
    }
    return edges;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function faultOf(edge: Edge): string | undefined {
  const { from, specifier, to, isTypeOnly } = edge;
  const zone = zoneOf(from);
  const say = `${from} imports ${specifier}`;
  if (exceptions.some(([file, module]) => file === from && specifier.startsWith(module))) return undefined;
  if (!specifier.startsWith(".")) {
    const known = (thirdParty[zone] ?? ["node:"]).some((prefix) => specifier.startsWith(prefix));
    return known || to.endsWith(".d.ts") ? undefined : say;
  }
  if (zone === "plugin" && zoneOf(to) === "plugin") return to.split("/")[1] === from.split("/")[1] ? undefined : say;
  const target = zoneOf(to);
  const rules = allowed[zone] ?? [];
  if (target === zone || rules.includes("*") || rules.includes(target)) return undefined;
  return rules.includes(`${target}:type`) && isTypeOnly ? undefined : say;
}

function findCycles(edges: readonly Edge[]): string[] {
  const next = Map.groupBy(edges.filter((edge) => edge.to.endsWith(".ts")), (edge) => edge.from);
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const edge of next.get(file) ?? []) visit(edge.to, [...path, file]);
    state.set(file, "done");
  };
  for (const file of next.keys()) visit(file, []);
  return cycles;
}

Deno.test("imports follow the table in docs/architecture.md and form no cycle", async () => {
  const edges = await readEdges(await productFiles());
  assertEquals(edges.map(faultOf).filter((fault) => fault !== undefined), []);
  assertEquals(findCycles(edges), []);
});

Deno.test("privileges are used only in their own folders", async () => {
  const rules: readonly (readonly [RegExp, RegExp])[] = [
    [/\bDeno\.env\b/, /^core\/config\.ts$/],
    [/\bDeno\.(dlopen|Command)\b/, /^core\/os\//],
    [/\bconsole\./, /^core\/cli\//],
    [/(?<![.\w])fetch\(/, /^plugins\/(transport_registry|layer_fetch)\/|^core\/engine_package\.ts$/],
  ];
  const faults: string[] = [];
  for (const file of await productFiles()) {
    const text = (await Deno.readTextFile(join(root, file))).replace(/^\s*(\*|\/\/|\/\*).*$/gm, "");
    for (const [use, home] of rules) if (use.test(text) && !home.test(file)) faults.push(`${file}: ${use.source}`);
  }
  assertEquals(faults, []);
});

Deno.test("no file is longer than 400 lines unless it is listed with a reason", async () => {
  const long: string[] = [];
  const files = await productFiles();
  for (const folder of ["core", "examples", "plugins", "tests"]) {
    for await (const path of walk(folder)) files.push(path);
  }
  for (const file of new Set(files)) {
    const lines = (await Deno.readTextFile(join(root, file))).split("\n").length - 1;
    if (lines > 400 && longFiles[file] === undefined) long.push(`${file}: ${lines}`);
  }
  assertEquals(long, []);
  for (const file of Object.keys(longFiles)) assertEquals(files.includes(file), true, `${file} is listed but absent`);
});

Deno.test("the top level holds what the plan names and nothing else", async () => {
  const expected = new Set(
    ".ci .git .gitignore CHANGELOG.md CONTRIBUTING.md LICENSE README.md cli.ts core deno.json deno.lock docs examples mod.ts plugins tests"
      .split(" "),
  );
  const run = new Deno.Command("git", { args: ["ls-files", "-z"], cwd: root });
  const tracked = new TextDecoder().decode((await run.output()).stdout).split("\0").filter((path) => path !== "");
  const top = new Set(tracked.map((path) => path.split("/")[0] ?? ""));
  assertEquals([...top].filter((name) => !expected.has(name) && name !== ".github"), []);
});
