import type { ExecConfig, HistoryStep, NodeId, Platform, SourceRange } from "../../core/contract/mod.ts";

/** What the instructions of a stage have made so far. */
export interface StageState {
  /** Platform that its steps run on. */
  readonly platform: Platform;
  /** Whether the base image's config is known; it is not when base images are not looked up. */
  readonly isBaseKnown: boolean;
  /** The filesystem. */
  node: NodeId;
  /** Environment of the image, in order. */
  readonly env: Map<string, string>;
  /** Declared arguments in order, those of stages below included; undefined where one has no value. */
  readonly args: Map<string, string | undefined>;
  /** Labels, in order. */
  readonly labels: Map<string, string>;
  /** Exec config without `Env` and `Labels`. */
  config: ExecConfig;
  author: string | undefined;
  /** What is added on top of the base image's history. */
  readonly history: HistoryStep[];
  /** Whether a WORKDIR of this file was met. */
  hasWorkdir: boolean;
  /** Last CMD, ENTRYPOINT and HEALTHCHECK of this stage itself. */
  readonly last: Map<"cmd" | "entrypoint" | "healthcheck", SourceRange>;
}

/** An argument for an outline. */
export interface ArgFact {
  readonly name: string;
  readonly value: string | undefined;
  readonly description: string | undefined;
  readonly at: SourceRange;
}

/** A secret or an SSH agent for an outline. */
export interface MountFact {
  readonly required: boolean;
  readonly at: SourceRange;
}

/** What a stage takes from outside, for an outline. */
export interface StageFacts {
  /** Arguments that it declares with a value of its own. */
  readonly args: Map<string, ArgFact>;
  /** Names of arguments that it declares or uses. */
  readonly names: Set<string>;
  readonly secrets: Map<string, MountFact>;
  readonly ssh: Map<string, MountFact>;
  readonly cacheMounts: Set<string>;
  /** Numbers of stages that it uses. */
  readonly stages: Set<number>;
}

/** A stage after its last instruction. */
export interface Lowered {
  readonly state: StageState;
  readonly facts: StageFacts;
}

/** Facts about a stage of which nothing is known yet. */
export function noFacts(): StageFacts {
  return {
    args: new Map(),
    names: new Set(),
    secrets: new Map(),
    ssh: new Map(),
    cacheMounts: new Set(),
    stages: new Set(),
  };
}

/** The exec config with its environment and labels, without members that are empty. */
export function configOf(state: StageState): ExecConfig {
  const Env = [...state.env].map(([name, value]) => `${name}=${value}`);
  const Labels = Object.fromEntries(state.labels);
  return Object.fromEntries(Object.entries({ ...state.config, Labels, Env }).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  return value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
}
