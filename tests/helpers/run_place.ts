/** A store with a small base image, for tests that build with commands as a user does. */
import { createHash } from "node:crypto";
import { concatBytes } from "../../core/stream/collect.ts";
import { findBusybox } from "./busybox_root.ts";
import { mustRun, runStrata, type StrataOptions, type StrataOutput } from "./strata.ts";
import { startStrata, type StrataProcess, type StrataProcessOptions } from "./strata_process.ts";
import { type HeaderFields, member, paxMember, tarEnd } from "./tar_bytes.ts";

/** Where a test builds; gone when it is disposed, and with it what was put beside it. */
export interface RunPlace extends AsyncDisposable {
  /** Folder of the test, symlinks resolved. */
  readonly path: string;
  /** What strata is run with: the store, and a temporary folder that is empty. */
  readonly options: StrataOptions;
  /** Builds a build file in a context of its own, with `files` beside it. Does not fail when the build does. */
  build(text: string, how?: RunBuild): Promise<BuildOutput>;
  /** Starts to build, as `build` does. */
  start(text: string, how?: RunBuild & Pick<StrataProcessOptions, "below">): StrataProcess;
  /** Runs another command of strata and fails unless it exits with 0. */
  strata(...args: string[]): Promise<StrataOutput>;
  /** Makes an image of tar members, on those of the base image unless told otherwise. */
  importImage(name: string, members: readonly Uint8Array[], flags?: readonly string[]): Promise<void>;
  /** Loads an image of layers, each made of tar members. Does not fail when the load does. */
  loadImage(name: string, layers: readonly (readonly Uint8Array[])[], config?: ImageFacts): Promise<StrataOutput>;
}

/** What a config says of an image. */
export type ImageFacts = Readonly<Record<"User" | "WorkingDir", string>>;

/** How one build is run. */
export interface RunBuild {
  /** Flags. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the context. */
  readonly files?: Readonly<Record<string, string>>;
  /** Another store. */
  readonly root?: string;
}

/** What a build printed. */
export interface BuildOutput extends StrataOutput {
  /** What the commands printed, without the numbers and times before the lines. */
  readonly said: string;
  /** Image ID; empty when the build failed. */
  readonly id: string;
  /** Names of the steps that were built, those that came from the cache left out. */
  readonly built: readonly string[];
}

/** Name of the base image: busybox and nothing else. */
export const baseName = "base:1";

/** Makes a place with the base image in its store. */
export async function makeRunPlace(): Promise<RunPlace> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "strata-run-" }));
  await Deno.mkdir(`${path}/tmp`);
  const options: StrataOptions = { root: `${path}/root`, env: { TMPDIR: `${path}/tmp` } };
  let count = 0;
  const prepare = (text: string, { files = {}, flags = [], env, root }: RunBuild): [StrataOptions, string[]] => {
    const context = `${path}/context-${count++}`;
    for (const [name, content] of Object.entries({ ...files, Dockerfile: text })) {
      Deno.mkdirSync(`${context}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${context}/${name}`, content);
    }
    const merged = { ...options, env: { ...options.env, ...env }, ...(root === undefined ? {} : { root }) };
    return [merged, ["build", "--progress=plain", ...flags, context]];
  };
  const place: RunPlace = {
    path,
    options,
    async build(text, how = {}): Promise<BuildOutput> {
      const [merged, args] = prepare(text, how);
      return readBuild(await runStrata(merged, ...args));
    },
    start(text, how = {}): StrataProcess {
      const [merged, args] = prepare(text, how);
      return startStrata({ ...merged, ...(how.below === undefined ? {} : { below: how.below }) }, ...args);
    },
    strata: (...args) => mustRun(options, ...args),
    async importImage(name, members, flags = []): Promise<void> {
      const file = `${path}/import-${count++}.tar`;
      await Deno.writeFile(file, concatBytes([...members, tarEnd]));
      await mustRun(options, "import", ...flags, file, name);
      await Deno.remove(file);
    },
    async loadImage(name, layers, config): Promise<StrataOutput> {
      const file = `${path}/load-${count++}.tar`;
      await Deno.writeFile(file, dockerArchive(name, layers, config));
      return await runStrata(options, "load", "-q", "-i", file);
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
  await place.importImage(baseName, baseMembers());
  return place;
}

function dockerArchive(
  name: string,
  layers: readonly (readonly Uint8Array[])[],
  config: ImageFacts | undefined,
): Uint8Array {
  const tars = layers.map((members) => concatBytes([...members, tarEnd]));
  const hexOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const text = JSON.stringify({
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    os: "linux",
    config: { Env: ["PATH=/bin"], ...config },
    rootfs: { type: "layers", diff_ids: tars.map((tar) => `sha256:${hexOf(tar)}`) },
    history: tars.map(() => ({ created: "2024-01-01T00:00:00Z" })),
  });
  const Layers = tars.map((_, index) => `${index}/layer.tar`);
  return concatBytes([
    member({ name: "config.json" }, text),
    ...tars.map((tar, index) => member({ name: `${index}/layer.tar` }, tar)),
    member({ name: "manifest.json" }, JSON.stringify([{ Config: "config.json", RepoTags: [name], Layers }])),
    tarEnd,
  ]);
}

/** What a build printed to standard error, taken apart. */
export function readBuild(output: StrataOutput): BuildOutput {
  const lines = output.stderr.split("\n");
  const said = lines.flatMap((line) => {
    const found = /^#\d+ \d+\.\d+(?: (.*))?$/.exec(line);
    return found === null ? [] : [`${found[1] ?? ""}\n`];
  });
  const names = new Map<string, string>();
  for (const line of lines) {
    const [, step = "", name = ""] = /^(#\d+) (\[.*)$/.exec(line) ?? [];
    if (name !== "" && !names.has(step)) names.set(step, name);
  }
  const cached = new Set(lines.flatMap((line) => /^(#\d+) CACHED/.exec(line)?.[1] ?? []));
  return {
    ...output,
    said: said.join(""),
    id: /^built (\S+)/m.exec(output.stderr)?.[1] ?? "",
    built: [...names].filter(([step]) => !cached.has(step)).map(([, name]) => name.replace(/^\[.*?\] /, "")),
  };
}

/** Tar members of the base image. */
export function baseMembers(): readonly Uint8Array[] {
  const busybox = Deno.readFileSync(findBusybox());
  const folder = (name: string, mode = "0000755\0"): Uint8Array => member({ name: `${name}/`, type: "5", mode });
  return [
    ...["bin", "dev", "etc", "proc", "root", "sys"].map((name) => folder(name)),
    folder("tmp", "0001777\0"),
    member({ name: "bin/busybox", mode: "0000755\0" }, busybox),
    ...applets().map((name) => member({ name: `bin/${name}`, type: "2", link: "busybox" })),
    member({ name: "etc/passwd" }, "root::0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n"),
    member({ name: "etc/group" }, "root:x:0:\nuser:x:1000:\nextra:x:1001:user\n"),
  ];
}

function applets(): readonly string[] {
  const { stdout } = new Deno.Command(findBusybox(), { args: ["--list"] }).outputSync();
  return new TextDecoder().decode(stdout).trim().split("\n").filter((name) => name !== "busybox" && name !== "[[");
}

/** A tar member with extended attributes. */
export function attributed(
  xattrs: Readonly<Record<string, string | Uint8Array>>,
  fields: HeaderFields,
  content: string | Uint8Array = "",
): Uint8Array {
  const records = Object.entries(xattrs).map(([name, value]) => [`SCHILY.xattr.${name}`, value] as const);
  return concatBytes([paxMember(records), member(fields, content)]);
}
