import type { BuildInput, ContextSource } from "../../image/build_input.ts";
import { parseContextSource } from "../../image/context_source.ts";
import { parseCpuQuota, parseHostEntry, parseUlimit } from "../../image/run_option.ts";
import { formatReference } from "../../oci/reference.ts";
import type { ByteStream } from "../../contract/call.ts";
import type { ApiContext } from "../context.ts";
import { dockerError } from "./error.ts";
import { readName } from "./name.ts";
import { isOn, readList, readNumber, readPlatform, readTexts } from "./query.ts";

type RunOptions = NonNullable<BuildInput["run"]>;

/** What a request to build asks for. */
export interface BuildQuery {
  readonly input: BuildInput;
  /** Whether nothing but the image's ID is told. */
  readonly isQuiet: boolean;
  /** The client's ID of the build; undefined when it gave none. */
  readonly id: string | undefined;
}

/** Members of the query that are about containers of their own kind or about who may use how much; they must be unset. */
const unsupported = ["cpushares", "memswap"];
const unsupportedTexts = ["cpusetcpus", "cpusetmems", "cgroupparent", "isolation"];

/** Reads the query of a build; the body is its context unless it names another. Throws in docker's words where docker has some. */
export function readBuildQuery(c: ApiContext, body: ByteStream): BuildQuery {
  refuseUnsupported(c);
  const tags = (c.req.queries("t") ?? []).filter((tag) => tag !== "").map(readTag);
  const file = c.req.query("dockerfile") ?? "";
  const target = c.req.query("target") ?? "";
  const platform = readPlatform(c);
  const input: BuildInput = {
    context: readContext(c, body),
    file: file === "" || file === "Dockerfile" ? { type: "default" } : { type: "context", path: file },
    tags: [...new Set(tags)],
    args: readTexts(c, "buildargs", "build args"),
    labels: readTexts(c, "labels", "labels"),
    noCache: isOn(c, "nocache"),
    pull: isOn(c, "pull"),
    run: readRun(c),
    ...(target === "" ? {} : { target }),
    ...(platform === undefined ? {} : { platforms: [platform] }),
  };
  return { input, isQuiet: isOn(c, "q"), id: c.req.query("buildid") || undefined };
}

function refuseUnsupported(c: ApiContext): void {
  if ((c.req.query("version") ?? "") === "2") {
    throw dockerError(501, "BuildKit is not supported by this API: set DOCKER_BUILDKIT=0");
  }
  if (isOn(c, "squash")) throw dockerError(400, "squash is only supported with experimental mode");
  if ((c.req.queries("securityopt") ?? []).length > 0) {
    throw dockerError(400, "security options are not supported on linux");
  }
  if (readList(c, "outputs", "outputs").length > 0) {
    throw dockerError(
      501,
      "outputs are not supported by this API: build an image, and use strata build --output for files",
    );
  }
  const unknown = [
    ...unsupported.filter((name) => readNumber(c, name) !== undefined),
    ...unsupportedTexts.filter((name) => !["", "default"].includes(c.req.query(name) ?? "")),
  ];
  if (unknown.length > 0) throw dockerError(501, `build option "${unknown[0]}" is not supported by strata`);
}

function readTag(text: string): string {
  const reference = readName(text);
  if (reference.digest !== undefined) throw dockerError(400, "build tag cannot contain a digest");
  return formatReference(reference);
}

/** The context: the body, or what a URL leads to; never a folder of this machine. */
function readContext(c: ApiContext, body: ByteStream): ContextSource {
  const remote = c.req.query("remote") ?? "";
  if (remote === "") return { type: "tar", stream: body, isFiltered: true };
  if (remote === "client-session") {
    throw dockerError(400, "sessions are not supported by this API: set DOCKER_BUILDKIT=0");
  }
  const source = /^(?:https?|git|ssh):\/\/|^git@|^github\.com\//.test(remote) ? parseContextSource(remote) : undefined;
  if (source === undefined || source.type === "directory") {
    throw dockerError(400, `remoteURL (${remote.slice(0, 300)}) could not be recognized as URL`);
  }
  return source;
}

function readRun(c: ApiContext): RunOptions {
  const hosts = (c.req.queries("extrahosts") ?? []).flatMap((text) => text.split(",")).filter((text) => text !== "");
  const ulimits = readList(c, "ulimits", "ulimit settings").map(readUlimit);
  const memoryBytes = readNumber(c, "memory");
  const shmBytes = readNumber(c, "shmsize");
  const [quota, period] = [readNumber(c, "cpuquota"), readNumber(c, "cpuperiod")];
  return {
    ...readNetwork(c.req.query("networkmode") ?? ""),
    ...(hosts.length === 0 ? {} : { hosts: hosts.map(parseHostEntry) }),
    ...(ulimits.length === 0 ? {} : { ulimits }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(shmBytes === undefined ? {} : { shmBytes }),
    ...(quota === undefined
      ? {}
      : { cpus: parseCpuQuota(String(quota), period === undefined ? undefined : String(period)) }),
  };
}

function readNetwork(mode: string): Pick<RunOptions, "network" | "allowed"> {
  switch (mode) {
    case "":
    case "default":
    case "bridge":
      return {};
    case "none":
      return { network: "none" };
    case "host":
      return { network: "host", allowed: ["network.host"] };
    default:
      throw dockerError(501, `network mode "${mode.slice(0, 100)}" is not supported: expected default, host or none`);
  }
}

function readUlimit(value: unknown): ReturnType<typeof parseUlimit> {
  const { Name: name, Soft: soft, Hard: hard } = { Name: "", Soft: 0, Hard: 0, ...Object(value) };
  return parseUlimit(`${name}=${soft}:${hard}`);
}
