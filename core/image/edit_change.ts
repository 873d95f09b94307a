import { EngineError } from "../errors.ts";
import type { ExecConfig } from "../oci/image_config.ts";

/**
 * What is set and unset in an image's config. What is not named stays as it is.
 *
 * @example Another command and user
 * ```ts
 * import type { ConfigChange } from "@strata/strata";
 *
 * const change: ConfigChange = { cmd: ["/bin/app"], user: "app", unsetEnv: ["DEBUG"] };
 * console.log(change);
 * ```
 */
export interface ConfigChange {
  /** Variables to set, in order. */
  readonly env?: Readonly<Record<string, string>>;
  /** Names of variables to take away. */
  readonly unsetEnv?: readonly string[];
  /** Labels to set. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Keys of labels to take away. */
  readonly unsetLabels?: readonly string[];
  /** Entrypoint: a list is taken as it is, a text is a line for the image's shell; empty takes it away. `Cmd` stays. */
  readonly entrypoint?: string | readonly string[];
  /** Command, as `entrypoint`. */
  readonly cmd?: string | readonly string[];
  /** User, and group after a colon; empty takes it away, as for the texts below. */
  readonly user?: string;
  /** Working directory, an absolute path. */
  readonly workdir?: string;
  /** Signal that stops a container: a name such as `SIGTERM`, or number. */
  readonly stopSignal?: string;
  /** Volumes to add, absolute paths. */
  readonly volumes?: readonly string[];
  /** Volumes to take away. */
  readonly unsetVolumes?: readonly string[];
  /** Ports to expose: `PORT`, `PORT/PROTOCOL` or `FIRST-LAST/PROTOCOL`; TCP when it is left out. */
  readonly ports?: readonly string[];
  /** Ports to take away, as `ports`. */
  readonly unsetPorts?: readonly string[];
  /** Who made the image. */
  readonly author?: string;
}

/** Last port that there is. */
const maxPort = 65535;

/** Checks what has a form. Throws `INVALID_ARGUMENT`. */
export function checkChange(change: ConfigChange): void {
  for (const name of [...Object.keys(change.env ?? {}), ...change.unsetEnv ?? []]) {
    if (!/^[^=\0]+$/.test(name)) throw invalid("env", name, "a name");
  }
  for (const key of [...Object.keys(change.labels ?? {}), ...change.unsetLabels ?? []]) {
    if (key === "") throw invalid("label", key, "a key");
  }
  for (const path of [...change.volumes ?? [], ...change.unsetVolumes ?? []]) {
    if (!path.startsWith("/")) throw invalid("volume", path, "an absolute path");
  }
  const { workdir = "", stopSignal = "" } = change;
  if (workdir !== "" && !workdir.startsWith("/")) throw invalid("workdir", workdir, "an absolute path");
  if (stopSignal !== "" && !/^(?:[A-Z][A-Z0-9+-]*|\d{1,3})$/.test(stopSignal)) {
    throw invalid("stop-signal", stopSignal, "a name such as SIGTERM, or a number");
  }
  for (const port of [...change.ports ?? [], ...change.unsetPorts ?? []]) readPorts(port);
}

/** An exec config with a change; members that become empty are left out. */
export function applyChange(exec: ExecConfig, change: ConfigChange): ExecConfig {
  const { entrypoint, cmd, user, workdir, stopSignal } = change;
  const changed: ExecConfig = {
    ...exec,
    ...member("Env", setVariables(exec.Env ?? [], change)),
    ...member("Labels", { ...without(exec.Labels, change.unsetLabels), ...change.labels }),
    ...member("Volumes", { ...without(exec.Volumes, change.unsetVolumes), ...keys(change.volumes) }),
    ...member("ExposedPorts", {
      ...without(exec.ExposedPorts, change.unsetPorts?.flatMap(readPorts)),
      ...keys(change.ports?.flatMap(readPorts)),
    }),
    ...(entrypoint === undefined ? {} : member("Entrypoint", commandOf(entrypoint, exec))),
    ...(cmd === undefined ? {} : member("Cmd", commandOf(cmd, exec))),
    ...(user === undefined ? {} : member("User", user)),
    ...(workdir === undefined ? {} : member("WorkingDir", workdir)),
    ...(stopSignal === undefined ? {} : member("StopSignal", stopSignal)),
  };
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
}

/** A member, undefined when it is empty. */
function member(name: keyof ExecConfig, value: object | string): { readonly [key: string]: unknown } {
  const isEmpty = typeof value === "string" ? value === "" : Object.keys(value).length === 0;
  return { [name]: isEmpty ? undefined : value };
}

function setVariables(env: readonly string[], { env: set = {}, unsetEnv = [] }: ConfigChange): readonly string[] {
  const variables = new Map(env.map((entry) => [variableName(entry), entry]));
  for (const name of unsetEnv) variables.delete(name);
  for (const [name, value] of Object.entries(set)) variables.set(name, `${name}=${value}`);
  return [...variables.values()];
}

/** The name in an entry of `Env`. */
export function variableName(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}

function commandOf(command: string | readonly string[], { Shell = ["/bin/sh", "-c"] }: ExecConfig): readonly string[] {
  if (typeof command !== "string") return command;
  return command === "" ? [] : [...Shell, command];
}

function without<T>(map: Readonly<Record<string, T>> = {}, names: readonly string[] = []): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !names.includes(key)));
}

function keys(names: readonly string[] = []): Readonly<Record<string, Record<string, never>>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

/** The members of `ExposedPorts` that a text stands for. */
function readPorts(text: string): readonly string[] {
  const [, first = "", last = first, protocol = "tcp"] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text) ??
    [];
  const [from, to] = [Number(first), Number(last)];
  if (first === "" || from === 0 || to > maxPort || from > to) throw invalid("expose", text, "PORT or PORT/PROTOCOL");
  return Array.from({ length: to - from + 1 }, (_, at) => `${from + at}/${protocol}`);
}

function invalid(field: string, value: string, expected: string): EngineError {
  const shown = value.slice(0, 160);
  return new EngineError("INVALID_ARGUMENT", `Cannot use ${field} "${shown}": expected ${expected}`, {
    detail: { field, value: shown },
  });
}
