import type { Call, Kit, Plugin, PluginFactory, PluginHost, TransportSource } from "../../core/contract/mod.ts";
import { openArchiveSink } from "./archive_sink.ts";
import { openDirSink } from "./dir_sink.ts";
import { openDirSource } from "./dir_source.ts";
import { openDirectoryFiles } from "./directory_files.ts";
import { dockerDaemonHook } from "./docker_daemon.ts";
import { usualDockerHost } from "./docker_host.ts";
import { openDockerSource } from "./docker_source.ts";
import type { Files } from "./files.ts";
import { openLayoutSink } from "./layout_sink.ts";
import { openLayoutSource } from "./layout_source.ts";
import { refuseLogin } from "./places.ts";
import { openTarFiles } from "./tar_files.ts";

/**
 * Images in files and directories: `docker-archive` (what `docker save` writes; an OCI layout in a tar is read too, as by Docker 25),
 * `oci-archive`, `oci` (a layout directory) and `dir` (skopeo's form). The address is a path; sinks for archives take `-` for
 * standard output. And `docker-daemon`, a Docker daemon, which is given and gives such archives; `dockerHost` of the config is where it
 * listens, as `DOCKER_HOST` has it.
 */
const transportArchive: PluginFactory = ({ kit, config }: PluginHost): Plugin => ({
  name: "transport-archive",
  api: 1,
  transport: [
    {
      schemes: ["docker-archive"],
      source: async (path, call) =>
        await opening(await openTarFiles({ path }, kit, call), dockerOrLayout, { kit, call }),
      sink: (path) => openArchiveSink(path, "docker", kit),
      login: refuseLogin(kit),
    },
    {
      schemes: ["oci-archive"],
      source: async (path, call) =>
        await opening(await openTarFiles({ path }, kit, call), openLayoutSource, { kit, call }),
      sink: (path) => openArchiveSink(path, "oci", kit),
      login: refuseLogin(kit),
    },
    {
      schemes: ["oci"],
      source: async (path, call) => await opening(await openDirectoryFiles(path, kit), openLayoutSource, { kit, call }),
      sink: (path, call) => openLayoutSink(path, kit, call),
      login: refuseLogin(kit),
    },
    {
      schemes: ["dir"],
      source: async (path, call) => await opening(await openDirectoryFiles(path, kit), openDirSource, { kit, call }),
      sink: (path) => openDirSink(path, kit),
      login: refuseLogin(kit),
    },
    dockerDaemonHook(readOptions(config, kit), {
      kit,
      openArchive: async (place, call) =>
        await opening(await openTarFiles(place, kit, call), dockerOrLayout, { kit, call }),
    }),
  ],
});
export default transportArchive;

/** Where the Docker daemon listens. Throws `INVALID_ARGUMENT` for options that are none. */
function readOptions(config: PluginHost["config"], kit: Kit): string {
  const unknown = Object.keys(config).find((key) => key !== "dockerHost");
  const { dockerHost = usualDockerHost } = config;
  if (unknown === undefined && typeof dockerHost === "string") return dockerHost;
  const field = unknown ?? "dockerHost";
  throw kit.error(
    "INVALID_ARGUMENT",
    `Cannot use option "${field}" of transport-archive: expected dockerHost, a text`,
    {
      detail: { field },
    },
  );
}

type OpenSource = (files: Files, kit: Kit, call: Call) => Promise<TransportSource>;

/** An archive with both forms is read as the layout it holds: that has the manifests as they were. */
const dockerOrLayout: OpenSource = async (files, kit, call) =>
  await files.size("index.json") !== undefined && await files.size("oci-layout") !== undefined
    ? await openLayoutSource(files, kit, call)
    : await openDockerSource(files, kit, call);

async function opening(files: Files, open: OpenSource, context: { kit: Kit; call: Call }): Promise<TransportSource> {
  try {
    return await open(files, context.kit, context.call);
  } catch (cause) {
    await files[Symbol.asyncDispose]();
    throw cause;
  }
}
