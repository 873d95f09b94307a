import { Hono } from "hono";
import { diskUsage } from "../../image/disk_usage.ts";
import { storeInfo } from "../../image/info.ts";
import { readImageDetails } from "../../image/image_details.ts";
import { checkLogin, readLoginHost } from "../../image/login.ts";
import { readVersion } from "../../image/version.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { readBody } from "../body.ts";
import { readAuthConfig } from "./auth_header.ts";
import { dockerError } from "./error.ts";
import { type DockerHost, versionText } from "./host.ts";
import { listSummaries } from "./summary.ts";
import { isBefore, maxApiVersion, minApiVersion, readApiVersion } from "./version.ts";

/** Largest login that is read, bytes. */
const maxLoginBytes = 64 * 1024;

/** Versions, the system, logins and disk usage. */
export function systemRoutes(host: DockerHost): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/_ping", (c) => ping(c))
    .get("/version", (c) => c.json(versionBody()))
    .get("/info", async (c) => c.json(await infoBody(host, c)))
    .post("/auth", async (c) => c.json(await login(host, c)))
    .get("/system/df", async (c) => c.json(await usageBody(host, c)));
}

function ping(c: ApiContext): Response {
  const headers = {
    "Builder-Version": "1",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Content-Type": "text/plain; charset=utf-8",
    Pragma: "no-cache",
    Swarm: "inactive",
  };
  if (c.req.method === "HEAD") return new Response(null, { headers: { ...headers, "Content-Length": "0" } });
  return new Response("OK", { headers });
}

function kernel(): string {
  try {
    return Deno.osRelease();
  } catch {
    // Not permitted to be known.
    return "";
  }
}

function versionBody(): Record<string, unknown> {
  const { version, commit, deno, os, architecture } = readVersion();
  const common = { GitCommit: commit.slice(0, 7), GoVersion: `deno ${deno}`, KernelVersion: kernel(), BuildTime: "" };
  const details = { ApiVersion: maxApiVersion, MinAPIVersion: minApiVersion, Os: os, Arch: architecture };
  return {
    Platform: { Name: "strata" },
    Components: [{ Name: "Engine", Version: version, Details: { ...details, ...common, Experimental: "false" } }],
    Version: version,
    ...details,
    ...common,
  };
}

/** Members that clients show or look at; those of containers say that there are none. */
async function infoBody(host: DockerHost, c: ApiContext): Promise<Record<string, unknown>> {
  const info = await storeInfo(host.engine, host.callOf(c));
  const { root, driver, images, blobs, host: facts, version } = info;
  const { architecture, processors, memoryBytes, cgroup, runtime } = facts;
  return {
    ID: "",
    Containers: 0,
    ContainersRunning: 0,
    ContainersPaused: 0,
    ContainersStopped: 0,
    Images: images.total,
    Driver: driver,
    DriverStatus: [["Blobs", String(blobs.total)], ["Blob Bytes", String(blobs.size)]],
    Plugins: { Volume: null, Network: null, Authorization: null, Log: null },
    MemoryLimit: false,
    SwapLimit: false,
    CpuCfsPeriod: false,
    CpuCfsQuota: false,
    CPUShares: false,
    CPUSet: false,
    PidsLimit: false,
    IPv4Forwarding: true,
    BridgeNfIptables: true,
    BridgeNfIp6tables: true,
    Debug: false,
    NFd: -1,
    OomKillDisable: false,
    NGoroutines: -1,
    SystemTime: host.engine.clock().toISOString(),
    LoggingDriver: "",
    CgroupDriver: "none",
    CgroupVersion: cgroup === "v2" ? "2" : "1",
    NEventsListener: 0,
    KernelVersion: kernel(),
    OperatingSystem: "strata",
    OSVersion: "",
    OSType: version.os,
    Architecture: architecture,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      InsecureRegistryCIDRs: [],
      IndexConfigs: { "docker.io": { Name: "docker.io", Mirrors: [], Secure: true, Official: true } },
      Mirrors: [],
    },
    NCPU: processors,
    MemTotal: memoryBytes,
    GenericResources: null,
    DockerRootDir: root,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: "",
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: version.version,
    Runtimes: typeof runtime === "string" ? { [runtime]: { path: runtime } } : {},
    DefaultRuntime: runtime ?? "",
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: false,
    Isolation: "",
    InitBinary: "",
    ContainerdCommit: { ID: "", Expected: "" },
    RuncCommit: { ID: "", Expected: "" },
    InitCommit: { ID: "", Expected: "" },
    SecurityOptions: [],
    Warnings: null,
  };
}

async function login(host: DockerHost, c: ApiContext): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await readBody(c, maxLoginBytes));
  const auth = readAuthConfig(text);
  if (auth === undefined) throw dockerError(400, "invalid login: expected a user name and a password, or a token");
  const { credential, server } = auth;
  // A host of its own: what was learned with other logins does not count.
  await using plugins = await host.engine.host.withLogins(() => Promise.resolve(undefined));
  const input = { host: readLoginHost(server), credential };
  const kept = await checkLogin({ host: plugins }, input, host.callOf(c));
  return { Status: "Login Succeeded", IdentityToken: kept === credential ? "" : kept.secret };
}

async function usageBody(host: DockerHost, c: ApiContext): Promise<Record<string, unknown>> {
  const version = readApiVersion(versionText(c));
  const call = host.callOf(c);
  const types = isBefore(version, "1.42") ? [] : c.req.queries("type") ?? [];
  const known = ["container", "image", "volume", "build-cache"];
  const unknown = types.find((type) => !known.includes(type));
  if (unknown !== undefined) throw dockerError(400, `unknown object type: ${unknown.slice(0, 60)}`);
  const has = (type: string): boolean => types.length === 0 || types.includes(type);
  const body: Record<string, unknown> = {};
  if (has("image")) {
    const details = await readImageDetails(host.engine, call);
    body["LayersSize"] = details.layersSize;
    body["Images"] = await listSummaries(host, { filters: [], version, details, containers: 0 }, call);
  }
  if (has("container")) body["Containers"] = [];
  if (has("volume")) body["Volumes"] = [];
  if (has("build-cache")) body["BuildCache"] = await cacheRows(host, c);
  return body;
}

async function cacheRows(host: DockerHost, c: ApiContext): Promise<readonly Record<string, unknown>[]> {
  const { cache = [], mounts = [] } = await diskUsage(host.engine, { verbose: true }, host.callOf(c));
  return [
    ...cache.map(({ id, description, created, size, inUse }) => ({
      ID: id,
      Type: "regular",
      Description: description,
      InUse: false,
      // Its layer is counted with the images that have it.
      Shared: inUse,
      Size: size,
      CreatedAt: (created ?? new Date(0)).toISOString(),
      LastUsedAt: null,
      UsageCount: 0,
    })),
    ...mounts.map(({ name, id, size, inUse, created, lastUsed }) => ({
      ID: name,
      Type: "exec.cachemount",
      Description: `cache mount ${id}`,
      InUse: inUse,
      Shared: false,
      Size: size,
      CreatedAt: created.toISOString(),
      LastUsedAt: lastUsed.toISOString(),
      UsageCount: 0,
    })),
  ];
}
