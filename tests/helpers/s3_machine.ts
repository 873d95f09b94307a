import { fromFileUrl } from "@std/path";
import type { NpmRegistry } from "./npm_registry.ts";
import type { S3Server } from "./s3_server.ts";
import { mustRun, type StrataOptions, tempFolder } from "./strata.ts";

/** A machine as far as strata is concerned: a config, and a root with nothing in it. */
export interface S3Machine extends AsyncDisposable {
  /** What strata is run with. */
  readonly options: StrataOptions;
  /** Folder of the machine's own files. */
  readonly path: string;
}

/** What a machine is made of. */
export interface MachineParts {
  readonly server: S3Server;
  readonly registry: NpmRegistry;
  /** Files of examples/plugins that are added, without `.ts`. */
  readonly plugins: readonly string[];
  /** Options of the plugins besides endpoint and bucket. */
  readonly settings?: readonly string[];
  /** Members of the config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Makes a machine whose plugins were added as a user adds them. */
export async function makeMachine(
  { server, registry, plugins, settings = [], config = {} }: MachineParts,
): Promise<S3Machine> {
  const folder = await tempFolder();
  await folder.write({ "config.json": JSON.stringify(config) });
  const options: StrataOptions = {
    root: `${folder.path}/root`,
    env: { ...server.env, STRATA_CONFIG: `${folder.path}/config.json`, STRATA_NPM_REGISTRY: registry.url },
  };
  for (const plugin of plugins) {
    const path = fromFileUrl(new URL(`../../examples/plugins/${plugin}.ts`, import.meta.url));
    const given = [`endpoint="${server.endpoint}"`, `bucket="${server.bucket}"`, ...settings].flatMap((each) => [
      "--option",
      each,
    ]);
    await mustRun(options, "plugins", "add", "--yes", `--allow-net=${server.host}`, ...given, path);
  }
  return { options, path: folder.path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
