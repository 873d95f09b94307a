import type { Call, Kit, TransportHook, TransportSink, TransportSource } from "../../core/contract/mod.ts";
import { createArchiveSink } from "./archive_sink.ts";
import { askEngine, type EngineAccess, readProgress } from "./docker_engine.ts";
import { readDockerHost } from "./docker_host.ts";
import { fileError } from "./files.ts";
import { openSpool } from "./output.ts";
import { refuseLogin } from "./places.ts";
import type { TarPlace } from "./tar_files.ts";

/** Opens an archive that lies at a place. */
export type OpenArchive = (place: TarPlace, call: Call) => Promise<TransportSource>;

/**
 * Images of a Docker daemon, through its Engine API. The address is `NAME[:TAG]`; to read, an image ID too, and to write, nothing for the
 * names that the images have. The daemon gives and takes whole archives, so both ways one lies in a temporary file meanwhile.
 */
export function dockerDaemonHook(
  host: string,
  { kit, openArchive }: { readonly kit: Kit; readonly openArchive: OpenArchive },
): TransportHook {
  const access = (): EngineAccess => ({ host: readDockerHost(host, kit), kit });
  return {
    schemes: ["docker-daemon"],
    source: async (address, call) => await openSource(readName(address, kit), { access: access(), openArchive }, call),
    sink: async (address) => await openSink(address, access()),
    login: refuseLogin(kit),
  };
}

async function openSource(
  name: string,
  { access, openArchive }: { readonly access: EngineAccess; readonly openArchive: OpenArchive },
  call: Call,
): Promise<TransportSource> {
  const label = `docker-daemon:${name}`;
  const path = await Deno.makeTempFile({ prefix: "strata-docker-", suffix: ".tar" });
  try {
    await download({ path, name, access }, call);
    return await openArchive({ path, label }, call);
  } finally {
    // Once it is open, the file needs no name.
    await Deno.remove(path);
  }
}

async function download(
  { path, name, access }: { readonly path: string; readonly name: string; readonly access: EngineAccess },
  call: Call,
): Promise<void> {
  const work = `read image "${name}" from the Docker daemon`;
  const answer = await askEngine(access, { method: "GET", path: `/images/${name}/get`, work }, call);
  using file = await Deno.open(path, { write: true });
  try {
    for await (const chunk of answer) {
      for (let at = 0; at < chunk.length;) at += writeTo(file, chunk.subarray(at), path, access.kit);
    }
  } catch (cause) {
    if (cause instanceof Error && "detail" in cause) throw cause;
    if (call.signal.aborted) throw access.kit.error("CANCELED", `Cannot ${work}: canceled`, { cause });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw access.kit.error("NETWORK_FAILED", `Cannot ${work}: the answer broke off: ${reason}`, { cause });
  }
}

function writeTo(file: Deno.FsFile, bytes: Uint8Array, path: string, kit: Kit): number {
  try {
    return file.writeSync(bytes);
  } catch (cause) {
    throw fileError(kit, "write archive", path, cause);
  }
}

async function openSink(address: string, access: EngineAccess): Promise<TransportSink> {
  const { kit } = access;
  const label = `docker-daemon:${address}`;
  const named = address === "" ? undefined : readName(address, kit);
  if (named?.includes("@") === true || named?.startsWith("sha256:") === true) {
    throw kit.error("INVALID_ARGUMENT", `Cannot write "${label}": expected NAME or NAME:TAG`, {
      detail: { field: "address", value: address },
    });
  }
  const work = named === undefined
    ? "write images to the Docker daemon"
    : `write image "${named}" to the Docker daemon`;
  const output = await openSpool(label, kit, async (body, call) => {
    const answer = await askEngine(access, { method: "POST", path: "/images/load?quiet=1", body, work }, call);
    await readProgress(answer, work, access);
  });
  return createArchiveSink(output, { path: label, form: "docker", kit, named });
}

/** The canonical name, or the ID, that an address is. Throws `INVALID_ARGUMENT`. */
function readName(address: string, kit: Kit): string {
  const id = /^(?:sha256:)?([0-9a-f]{64})$/.exec(address)?.[1];
  if (id !== undefined) return `sha256:${id}`;
  const { host, repository, tag, digest } = kit.parseReference(address);
  return `${host}/${repository}${digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`}`;
}
