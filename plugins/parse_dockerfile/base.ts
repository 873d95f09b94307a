import type { BaseImage, ExecConfig, NodeId, Platform } from "../../core/contract/mod.ts";
import { checkPlatform } from "./check_platform.ts";
import { parseError, quote } from "./fault.ts";
import { findBase, isReference } from "./references.ts";
import type { Session } from "./session.ts";
import type { Lowered, StageState } from "./stage_state.ts";
import type { Stage } from "./stages.ts";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a stage starts from. */
export interface Base {
  readonly state: StageState;
  /** The stage below, when it is one. */
  readonly below?: Lowered & { readonly stage: Stage };
  /** Triggers to run first, in order. */
  readonly triggers: readonly string[];
}

/** Finds what a stage starts from. Throws `PARSE_FAILED`, and `NOT_FOUND` for an image that is nowhere. */
export async function openBase(stage: Stage, session: Session): Promise<Base> {
  if (stage.replacedBy !== undefined) return await openContext(stage.replacedBy, stage, session);
  const found = findBase(stage.base, { ...session, index: stage.index });
  switch (found.type) {
    case "context":
      return await openContext(found.name, stage, session);
    case "stage":
      return openStage(await session.lower(found.stage), found.stage);
    case "image":
      return await openImage(found.reference, stage, session);
    default:
      return openEmpty(session.graph.add({ type: "scratch" }), session.context.platform);
  }
}

function openStage(below: Lowered, stage: Stage): Base {
  const { state } = below;
  const { OnBuild: triggers = [], ...config } = state.config;
  return {
    state: {
      ...state,
      env: new Map(state.env),
      args: new Map(state.args),
      labels: new Map(state.labels),
      config,
      history: [...state.history],
      last: new Map(),
    },
    below: { ...below, stage },
    triggers,
  };
}

function openEmpty(node: NodeId, platform: Platform): Base {
  return { state: stateOf({ WorkingDir: "/" }, { node, platform, isBaseKnown: true }), triggers: [] };
}

/** A build context that is an image brings its config; any other kind is a filesystem with an empty one. */
async function openContext(name: string, stage: Stage, session: Session): Promise<Base> {
  const platform = stage.platform ?? session.context.platform;
  try {
    const image = await session.base(name, { platform, at: stage.from.at, instruction: "FROM" });
    return image === undefined
      ? openUnknown(platform, session)
      : fromImage(image, { reference: name, platform, stage, session });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "NOT_FOUND")) throw error;
  }
  return openEmpty(session.graph.add({ type: "context", name, exclude: [] }), platform);
}

async function openImage(reference: string, stage: Stage, session: Session): Promise<Base> {
  if (!isReference(session.kit, reference)) {
    throw parseError(session.kit, {
      message: `Cannot use base image ${quote(reference)}: neither a stage above nor a valid image name`,
      at: stage.from.at,
      instruction: "FROM",
      hint: hintFor(reference),
    });
  }
  const platform = stage.platform ?? session.context.platform;
  const image = await session.base(reference, { platform, at: stage.from.at, instruction: "FROM" });
  return image === undefined
    ? openUnknown(platform, session)
    : fromImage(image, { reference, platform, stage, session });
}

function hintFor(reference: string): string {
  const lower = reference.toLowerCase();
  return lower === "scratch" ? "Write FROM scratch" : "Write it as [HOST/]NAME[:TAG][@DIGEST], the name in lower case";
}

/** Stands for an image while base images are not looked up. */
function openUnknown(platform: Platform, session: Session): Base {
  const node = session.graph.add({ type: "scratch" });
  return { state: stateOf({}, { node, platform, isBaseKnown: false }), triggers: [] };
}

interface BaseUse {
  readonly reference: string;
  readonly platform: Platform;
  readonly stage: Stage;
  readonly session: Session;
}

function fromImage(image: BaseImage, use: BaseUse): Base {
  const { reference, platform, stage, session } = use;
  const { at, comments } = stage.from;
  const isWanted = checkPlatform(image, { reference, platform, at }, session.checks.scopedTo(comments));
  const node = session.graph.add({ type: "image", reference, descriptor: image.descriptor });
  const { OnBuild: triggers = [], ...config } = image.config;
  const start = { node, platform: isWanted ? platform : image.platform, isBaseKnown: true };
  return { state: stateOf(config, start), triggers };
}

function stateOf(config: ExecConfig, start: Pick<StageState, "node" | "platform" | "isBaseKnown">): StageState {
  const { Env = [], Labels = {}, ...rest } = config;
  const env = new Map(Env.map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  }));
  if (!env.has("PATH") && start.platform.os !== "windows") env.set("PATH", defaultPath);
  return {
    ...start,
    env,
    args: new Map(),
    labels: new Map(Object.entries(Labels)),
    config: rest,
    author: undefined,
    history: [],
    hasWorkdir: false,
    last: new Map(),
  };
}
