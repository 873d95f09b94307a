import type { Digest } from "./descriptor.ts";

/**
 * How a running container is probed; durations in nanoseconds (Docker image spec v1.2, `Healthcheck`).
 *
 * @example Ask every 30 seconds; durations are nanoseconds
 * ```ts
 * import type { Healthcheck } from "@strata/strata";
 *
 * const check: Healthcheck = { Test: ["CMD", "curl", "-f", "http://localhost"], Interval: 30e9, Retries: 3 };
 * console.log(check.Test);
 * ```
 */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", line]`. */
  readonly Test?: readonly string[];
  /** Time between probes, nanoseconds. */
  readonly Interval?: number;
  /** Time a probe may take, nanoseconds. */
  readonly Timeout?: number;
  /** Time in which failures do not count, nanoseconds. */
  readonly StartPeriod?: number;
  /** Time between probes while starting, nanoseconds. */
  readonly StartInterval?: number;
  /** Failures in a row before the container counts as unhealthy. */
  readonly Retries?: number;
}

/**
 * The `config` object of an OCI image configuration (image-spec, config.md), with Docker's additions.
 *
 * @example A server
 * ```ts
 * import type { ExecConfig } from "@strata/strata";
 *
 * const config: ExecConfig = {
 *   User: "1000",
 *   Env: ["PATH=/usr/bin:/bin"],
 *   Entrypoint: ["/usr/bin/server"],
 *   ExposedPorts: { "8080/tcp": {} },
 * };
 * console.log(config.Entrypoint);
 * ```
 */
export interface ExecConfig {
  /** `User`. */
  readonly User?: string;
  /** `ExposedPorts`, keys such as `80/tcp`. */
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  /** `Env`, as `NAME=value`. */
  readonly Env?: readonly string[];
  /** `Entrypoint`. */
  readonly Entrypoint?: readonly string[];
  /** `Cmd`. */
  readonly Cmd?: readonly string[];
  /** `Volumes`, keys are absolute paths. */
  readonly Volumes?: Readonly<Record<string, Record<string, never>>>;
  /** `WorkingDir`. */
  readonly WorkingDir?: string;
  /** `Labels`. */
  readonly Labels?: Readonly<Record<string, string>>;
  /** `StopSignal`. */
  readonly StopSignal?: string;
  /** `Shell` (Docker). */
  readonly Shell?: readonly string[];
  /** `Healthcheck` (Docker). */
  readonly Healthcheck?: Healthcheck;
  /** `OnBuild` triggers (Docker). */
  readonly OnBuild?: readonly string[];
  /** `ArgsEscaped` (Windows). */
  readonly ArgsEscaped?: boolean;
}

/**
 * One entry of an image's history (image-spec, config.md).
 *
 * @example Steps that have made layers
 * ```ts
 * import type { History, ImageConfig } from "@strata/strata";
 *
 * function layerSteps({ history = [] }: ImageConfig): History[] {
 *   return history.filter(({ empty_layer: isEmpty }) => isEmpty !== true);
 * }
 * ```
 */
export interface History {
  /** RFC 3339 time. */
  readonly created?: string;
  /** Instruction text. */
  readonly created_by?: string;
  /** Who made it. */
  readonly author?: string;
  /** Free text, e.g. the builder's name. */
  readonly comment?: string;
  /** True when the entry has no layer. */
  readonly empty_layer?: boolean;
}

/**
 * An OCI image configuration (image-spec, config.md). Fields that are not named here are kept when present.
 *
 * @example The config of an image without layers
 * ```ts
 * import type { ImageConfig } from "@strata/strata";
 *
 * const config: ImageConfig = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } };
 * console.log(JSON.stringify(config));
 * ```
 */
export interface ImageConfig {
  /** RFC 3339 time. */
  readonly created?: string;
  /** Who made the image. */
  readonly author?: string;
  /** GOARCH value. */
  readonly architecture: string;
  /** GOOS value. */
  readonly os: string;
  /** CPU variant. */
  readonly variant?: string;
  /** Operating system version. */
  readonly "os.version"?: string;
  /** Operating system features. */
  readonly "os.features"?: readonly string[];
  /** Execution parameters. */
  readonly config?: ExecConfig;
  /** Layers by diffID, base first. */
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly Digest[] };
  /** History, oldest first. */
  readonly history?: readonly History[];
}
