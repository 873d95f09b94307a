import { EngineError } from "../errors.ts";
import type { BuildInput } from "../image/build_input.ts";
import {
  parseBytes,
  parseCpuQuota,
  parseCpus,
  parseDnsOption,
  parseEntitlement,
  parseHostEntry,
  parseNameServer,
  parseNetwork,
  parseRuntime,
  parseSearchDomain,
  parseSnapshotter,
  parseUlimit,
  refused,
} from "../image/run_option.ts";
import { type Environment, readAgent, readSecret } from "../image/secret_option.ts";
import type { Input } from "./command.ts";
import type { Terminal } from "./terminal.ts";

type RunOptions = NonNullable<BuildInput["run"]>;

/** Least memory that a container can start with (as docker has it). */
const minMemory = { bytes: 6 << 20, text: "6m" };

/**
 * How the commands of a build run, from flags. Throws `INVALID_ARGUMENT`, and what {@linkcode readSecret} and
 * {@linkcode readAgent} throw.
 */
export async function readRunOptions(
  input: Input,
  terminal: Pick<Terminal, "isStdinTerminal" | "isStdoutTerminal">,
  environment: Environment,
): Promise<RunOptions> {
  const one = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const text = input.text(name);
    return text === undefined ? undefined : parse(text);
  };
  const all = <T>(name: string, parse: (text: string) => T): readonly T[] | undefined => {
    const texts = input.list(name);
    return texts.length === 0 ? undefined : texts.map(parse);
  };
  const split = <T>(name: string, parse: (text: string) => T): readonly T[] | undefined => {
    const texts = input.list(name).flatMap((text) => text.split(","));
    return texts.length === 0 ? undefined : texts.map(parse);
  };
  const network = one("network", parseNetwork);
  const allowed = [
    ...split("allow", parseEntitlement) ?? [],
    // Who gives every command the host's network allows it, as buildx has it.
    ...network === "host" ? ["network.host" as const] : [],
  ];
  const ulimits = all("ulimit", parseUlimit);
  return withoutUndefined({
    runtime: one("runtime", parseRuntime),
    snapshotter: one("snapshotter", parseSnapshotter),
    network,
    hosts: all("add-host", parseHostEntry),
    dns: split("dns", parseNameServer),
    dnsSearch: split("dns-search", parseSearchDomain)?.filter((domain) => domain !== undefined),
    dnsOptions: split("dns-option", parseDnsOption),
    ulimits: ulimits && [...new Map(ulimits.map((limit) => [limit.name, limit])).values()],
    shmBytes: one("shm-size", (text) => parseBytes("shm-size", text, { bytes: 1, text: "1 byte" })),
    memoryBytes: one("memory", (text) => parseBytes("memory", text, minMemory)),
    cpus: readCpus(input),
    allowed: allowed.length === 0 ? undefined : [...new Set(allowed)],
    secrets: await readSecrets(input.list("secret"), environment),
    agents: await readAgents(input.list("ssh"), environment),
    onFailure: one("on-failure", (text) => readOnFailure(text, terminal)),
  });
}

function readCpus(input: Input): number | undefined {
  const [cpus, quota, period] = [input.text("cpus"), input.text("cpu-quota"), input.text("cpu-period")];
  if (cpus !== undefined) {
    if (quota === undefined && period === undefined) return parseCpus(cpus);
    throw refused("cpus", cpus, "only one of them", "--cpu-quota or --cpu-period is given too");
  }
  if (quota !== undefined) return parseCpuQuota(quota, period);
  if (period !== undefined) throw refused("cpu-period", period, "--cpu-quota with it", "there is no quota");
  return undefined;
}

async function readSecrets(texts: readonly string[], environment: Environment): Promise<RunOptions["secrets"]> {
  if (texts.length === 0) return undefined;
  const secrets = await Promise.all(texts.map((text) => readSecret(text, environment)));
  return Object.fromEntries(secrets.map(({ id, source }) => [id, source]));
}

async function readAgents(texts: readonly string[], environment: Environment): Promise<RunOptions["agents"]> {
  if (texts.length === 0) return undefined;
  const agents = await Promise.all(texts.map((text) => readAgent(text, environment)));
  return Object.fromEntries(agents.map(({ id, socket }) => [id, socket]));
}

function readOnFailure(
  text: string,
  terminal: Pick<Terminal, "isStdinTerminal" | "isStdoutTerminal">,
): NonNullable<RunOptions["onFailure"]> {
  if (text === "fail") return text;
  if (text !== "shell") throw refused("on-failure", text, "shell or fail");
  if (terminal.isStdinTerminal && terminal.isStdoutTerminal) return text;
  throw new EngineError(
    "INVALID_ARGUMENT",
    'Cannot use --on-failure "shell": standard input or output is no terminal',
    {
      detail: { field: "on-failure", value: text },
      hint: "Run strata on a terminal, or leave the flag out",
    },
  );
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Given<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Given<T>;
}
