import type { Call } from "../contract/call.ts";
import type { LayerEntry, RunSpec } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import type { Json } from "../oci/canonical_json.ts";
import type { Digest, Platform } from "../oci/descriptor.ts";
import { commandSettings, type RunOptions } from "./run_options.ts";
import type { FinishedRun, RunEnvironment } from "./run_step.ts";
import type { TopSnapshot } from "../snapshot/snapshotter.ts";
import type { StepSource } from "./step_source.ts";

/** Runs the commands of a build. What that takes is opened, and its code loaded, when the first command runs. */
export interface Runner extends AsyncDisposable {
  /** What its options change for commands; undefined for none. */
  readonly settings: Json | undefined;
  /** Starts the making of one layer, which may run a command. */
  open(request: RunnerRequest): RunSession;
}

/** What one layer's command needs besides the command. */
export interface RunnerRequest {
  readonly inputs: readonly StepSource[];
  readonly platform: Platform;
  /** Id of the step in events. */
  readonly step: string;
  readonly call: Call;
}

/** The making of one layer. */
export interface RunSession extends Disposable {
  /** Runs a command and gives what it changed. */
  run(spec: RunSpec): AsyncIterable<LayerEntry>;
  /** Settles when a command has ended well and its changes are about to be read: the state that they give, if it can be run on. */
  readonly top: Promise<TopSnapshot | undefined>;
  /** Entries on their way into the layer; notes whether they are those that the command gave. */
  watch(entries: AsyncIterable<LayerEntry>): AsyncIterable<LayerEntry>;
  /** Keeps what the command changed as the layer's snapshot, when the layer is just that. */
  commit(diffId: Digest): void;
}

/** What a runner is made of. */
export interface RunnerOptions {
  readonly options: RunOptions;
  /** Directory that strata keeps its data in. */
  readonly root: string;
  readonly clock: () => Date;
  /** Seconds since the Unix epoch; undefined without SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | undefined;
}

/** Makes a runner that has opened nothing yet. */
export function createRunner(options: RunnerOptions): Runner {
  let environment: Promise<RunEnvironment> | undefined;
  const leftovers: Promise<void>[] = [];
  return {
    settings: commandSettings(options.options),
    open: (request) =>
      openSession(request, options, {
        open: (call) => environment ??= openEnvironment(options, call),
        // Nobody needs to wait for the removal of files but the end of the build. Why a command failed is told elsewhere.
        leave: (running) => leftovers.push(running.then((finished) => finished[Symbol.asyncDispose](), () => {})),
      }),
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.allSettled(leftovers);
      await Promise.all(leftovers);
      const opened = await environment?.catch(() => undefined);
      await opened?.snapshotter[Symbol.asyncDispose]();
    },
  };
}

async function openEnvironment(
  { options, root, clock }: RunnerOptions,
  call: Call,
): Promise<RunEnvironment> {
  const [{ findRuntime }, { openSnapshotter }, { openMountStore }] = await Promise.all([
    import("../os/find_runtime.ts"),
    import("../snapshot/open_snapshotter.ts"),
    import("../snapshot/mount_store.ts"),
  ]);
  const runtime = await findRuntime(options.runtime, call);
  const snapshotter = await openSnapshotter({ root, kind: options.snapshotter });
  return { options, runtime, snapshotter, caches: openMountStore(root, clock) };
}

function openSession(
  request: RunnerRequest,
  options: RunnerOptions,
  { open, leave }: {
    readonly open: (call: Call) => Promise<RunEnvironment>;
    readonly leave: (running: Promise<FinishedRun>) => void;
  },
): RunSession {
  const { promise: top, resolve: haveTop } = Promise.withResolvers<TopSnapshot | undefined>();
  let running: Promise<FinishedRun> | undefined;
  let finished: FinishedRun | undefined;
  let given: LayerEntry | undefined;
  let isSame = true;
  const start = async (spec: RunSpec): Promise<FinishedRun> => {
    const { call, inputs, platform, step } = request;
    const environment = await open(call);
    const { runCommand } = await import("./run_step.ts");
    return await runCommand(
      { spec, inputs, platform, sourceDateEpoch: options.sourceDateEpoch, step },
      environment,
      call,
    );
  };
  return {
    async *run(spec): AsyncGenerator<LayerEntry> {
      if (running !== undefined) {
        throw new EngineError("PLUGIN_FAILED", "Cannot run a second command for one layer", {
          detail: { hook: "layer" },
        });
      }
      running = start(spec);
      finished = await running;
      haveTop(finished.top);
      for await (const entry of finished.entries(request.call)) {
        given = entry;
        yield entry;
        // Whoever did not pass it on has asked for the next one all the same.
        if (given !== undefined) isSame = false;
      }
    },
    top,
    async *watch(entries): AsyncGenerator<LayerEntry> {
      for await (const entry of entries) {
        if (entry !== given) isSame = false;
        given = undefined;
        yield entry;
      }
    },
    commit(diffId): void {
      if (isSame) finished?.commit(diffId);
    },
    [Symbol.dispose](): void {
      // It may still be at work on its end, when it was canceled.
      if (running !== undefined) leave(running);
    },
  };
}
