import type { Call } from "../../contract/call.ts";
import { inspectImages } from "../../image/inspect.ts";
import { findImage } from "../../image/resolve_image.ts";
import type { ApiContext, FaceHost } from "../context.ts";
import { dockerError } from "./error.ts";
import type { EventLog, ImageAction } from "./event_log.ts";

/** What the routes of this face are given. */
export interface DockerHost extends FaceHost {
  /** What happened to images through this server. */
  readonly events: EventLog;
  /** Builds that are under way and have an ID of their client's. */
  readonly builds: Map<string, AbortController>;
}

/** Refuses a request that changes something where nothing may be changed. */
export function refuseReadonly(host: DockerHost): void {
  if (host.isReadonly) throw dockerError(403, "this server only gives: it was started with --readonly");
}

/** The version in the path of a request, e.g. `v1.41`; undefined when it has none. */
export function versionText(c: ApiContext): string | undefined {
  return /^\/(v[0-9]+\.[0-9]+)(?:\/|$)/.exec(c.req.path)?.[1];
}

/** An image that something happened to. */
export interface Subject {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** ID and labels of an image; undefined when there is none of that name. */
export async function findSubject(host: DockerHost, name: string, call: Call): Promise<Subject | undefined> {
  // A name of another place, such as an archive of this machine, is none here.
  if (await findImage(host.engine, name, call).catch(() => undefined) === undefined) return undefined;
  const { images: [image] } = await inspectImages(host.engine, { images: [name] }, call);
  if (image === undefined) return undefined;
  const { Id: id, Config: config } = image;
  return typeof id === "string" ? { id, labels: labelsOf(config) } : undefined;
}

/** Notes that something happened to an image; its name in the event is the ID when none is given. */
export function note(host: DockerHost, action: ImageAction, { id, labels }: Subject, name = id): void {
  host.events.add({ action, id, attributes: { ...labels, name } });
}

function labelsOf(config: unknown): Readonly<Record<string, string>> {
  if (typeof config !== "object" || config === null || !("Labels" in config)) return {};
  const { Labels: labels } = config;
  return typeof labels === "object" && labels !== null ? { ...labels } : {};
}
