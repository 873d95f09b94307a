import type { Call } from "../../contract/call.ts";
import { EngineError } from "../../errors.ts";
import { createEventJson } from "../../image/event_json.ts";
import type { FaceHost } from "../context.ts";
import { httpError, toEngineError } from "../status.ts";
import { JobLog } from "./job_log.ts";
import { problemOf } from "./problem.ts";
import type { Problem } from "./schema/common.ts";

/** What a job is, as JSON. */
export interface JobView {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly state: "running" | "done" | "failed" | "canceled";
  readonly started: string;
  readonly ended?: string;
  readonly events: number;
  readonly dropped: number;
  readonly result?: object;
  readonly error?: Problem;
}

/** Work that goes on whether somebody waits for it or not. */
export interface Job {
  readonly id: string;
  readonly log: JobLog;
  /** Settles when it has ended, in whatever way. */
  readonly ended: Promise<void>;
  /** How it failed; undefined while it is at work, and when all was well. */
  readonly failure: EngineError | undefined;
  view(): JobView;
  cancel(): void;
}

/** What a job is about. */
export interface JobOrder {
  readonly kind: string;
  readonly title: string;
  /** The work. */
  run(call: Call): Promise<object>;
}

/** Jobs that are at work at once. */
const maxRunning = 64;
/** Jobs that are remembered when they have ended. */
const maxEnded = 200;
/** Most characters of their events that are kept. */
const maxEndedLength = 32 * 1024 * 1024;

/** Jobs of one kind, in the memory of this process: those at work, and the last ones that have ended. */
export class Jobs {
  readonly #host: FaceHost;
  /** What they are called in messages. */
  readonly #name: string;
  /** Oldest first. */
  readonly #jobs = new Map<string, RunningJob>();

  constructor(host: FaceHost, name: string) {
    this.#host = host;
    this.#name = name;
  }

  /** Starts work. Throws 429 when too much is at work. */
  start(order: JobOrder): Job {
    const running = [...this.#jobs.values()].filter((job) => job.isRunning).length;
    if (running >= maxRunning) {
      throw httpError(429, "DENIED", `Cannot start a ${order.kind}: ${running} are at work`, {
        hint: "Wait for some of them to end",
      });
    }
    const job = new RunningJob(order, this.#host);
    this.#jobs.set(job.id, job);
    this.#host.track(job.ended.then(() => this.#forget()));
    return job;
  }

  /** Newest first. */
  list(): readonly Job[] {
    return [...this.#jobs.values()].reverse();
  }

  /** Throws `NOT_FOUND`. */
  find(id: string): Job {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    throw new EngineError("NOT_FOUND", `Cannot find ${this.#name} "${id}": this server knows no such ${this.#name}`, {
      detail: { kind: this.#name, name: id },
      hint: `List them with GET /v1/${this.#name}s`,
    });
  }

  #forget(): void {
    const ended = [...this.#jobs.values()].filter((job) => !job.isRunning);
    for (const job of ended.slice(0, Math.max(0, ended.length - maxEnded))) this.#jobs.delete(job.id);
    let length = ended.reduce((sum, { log }) => sum + log.length, 0);
    for (const { log } of ended) {
      if (length <= maxEndedLength) return;
      length -= log.length;
      log.clear();
      length += log.length;
    }
  }
}

class RunningJob implements Job {
  readonly id = crypto.randomUUID();
  readonly log = new JobLog();
  readonly ended: Promise<void>;
  readonly #order: JobOrder;
  readonly #stop = new AbortController();
  readonly #now: () => Date;
  readonly #started: Date;
  #ended: Date | undefined;
  #result: object | undefined;
  #failure: EngineError | undefined;

  constructor(order: JobOrder, { engine, signal }: FaceHost) {
    this.#order = order;
    this.#now = engine.clock;
    this.#started = this.#now();
    this.ended = this.#run(AbortSignal.any([this.#stop.signal, signal]));
  }

  get isRunning(): boolean {
    return this.#ended === undefined;
  }

  get failure(): EngineError | undefined {
    return this.#failure;
  }

  cancel(): void {
    this.#stop.abort();
  }

  view(): JobView {
    const failure = this.#failure;
    return {
      id: this.id,
      kind: this.#order.kind,
      title: this.#order.title,
      state: this.isRunning ? "running" : failure === undefined ? "done" : this.#endOf(failure),
      started: this.#started.toISOString(),
      ...(this.#ended === undefined ? {} : { ended: this.#ended.toISOString() }),
      events: this.log.count,
      dropped: this.log.dropped,
      ...(this.#result === undefined ? {} : { result: this.#result }),
      ...(failure === undefined ? {} : { error: problemOf(failure) }),
    };
  }

  #endOf({ code }: EngineError): "failed" | "canceled" {
    return code === "CANCELED" ? "canceled" : "failed";
  }

  async #run(signal: AbortSignal): Promise<void> {
    const json = createEventJson();
    try {
      const result = await this.#order.run({ signal, emit: (event) => this.log.add(event.type, json(event)) });
      this.#result = result;
      this.log.add("result", { result });
    } catch (caught) {
      const error = toEngineError(caught, signal);
      this.#failure = error;
      this.log.add("error", { error: problemOf(error) });
    }
    this.#ended = this.#now();
    this.log.end();
  }
}
