/** What happens to images, as docker names it. */
export type ImageAction = "delete" | "import" | "load" | "prune" | "pull" | "push" | "save" | "tag" | "untag";

/** Something that happened. */
export interface ImageEvent {
  readonly action: ImageAction;
  /** ID of the image; its name where docker gives that; empty for what is about no image. */
  readonly id: string;
  /** Labels of the image, and its name. */
  readonly attributes: Readonly<Record<string, string>>;
  /** When, in nanoseconds since the Unix epoch; of two events the later one has more. */
  readonly time: bigint;
}

/** Events that are remembered, as many as docker does. */
const maxEvents = 256;

/** Remembers what happened last, and tells those who listen. */
export class EventLog {
  readonly #clock: () => Date;
  readonly #events: ImageEvent[] = [];
  readonly #listeners = new Set<(event: ImageEvent) => void>();

  constructor(clock: () => Date) {
    this.#clock = clock;
  }

  /** Adds an event of now. */
  add(event: Omit<ImageEvent, "time">): void {
    const now = BigInt(this.#clock().getTime()) * 1_000_000n;
    const last = this.#events.at(-1)?.time ?? 0n;
    const added = { ...event, time: now > last ? now : last + 1n };
    this.#events.push(added);
    if (this.#events.length > maxEvents) this.#events.shift();
    for (const listen of this.#listeners) listen(added);
  }

  /** Events that are remembered, oldest first. */
  list(): readonly ImageEvent[] {
    return [...this.#events];
  }

  /** Tells of each event from now on, until it is disposed. */
  listen(listen: (event: ImageEvent) => void): Disposable {
    this.#listeners.add(listen);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listen) };
  }
}

/** Which events are asked for: values by key, as docker's filters. */
export type EventFilters = ReadonlyMap<string, readonly string[]>;

/** Keys of filters that no event of an image meets. */
const othersKeys = ["config", "container", "daemon", "network", "node", "plugin", "secret", "service", "volume"];

/** Whether an event meets all filters; of the values of one filter one is enough, but for labels, which must all hold. */
export function meetsFilters({ action, id, attributes }: ImageEvent, filters: EventFilters): boolean {
  const has = (key: string, holds: (value: string) => boolean): boolean => {
    const values = filters.get(key) ?? [];
    return values.length === 0 || values.some(holds);
  };
  if (othersKeys.some((key) => (filters.get(key) ?? []).length > 0)) return false;
  return has("type", (value) => value === "image") && has("scope", (value) => value === "local") &&
    has("event", (value) => value === action) && has("image", (value) => isOfImage(value, { id, attributes })) &&
    (filters.get("label") ?? []).every((value) => hasLabel(attributes, value));
}

/** An event as docker writes it, in one line. Its time is written by hand: it has more digits than a number keeps. */
export function encodeEvent({ action, id, attributes, time }: ImageEvent): string {
  const body = JSON.stringify({
    status: action,
    id,
    Type: "image",
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: "local",
  });
  return `${body.slice(0, -1)},"time":${time / 1_000_000_000n},"timeNano":${time}}\n`;
}

function isOfImage(value: string, { id, attributes }: Pick<ImageEvent, "id" | "attributes">): boolean {
  const name = attributes["name"] ?? "";
  const withoutTag = (text: string): string => text.replace(/:[^:/]*$/, "");
  return [id, id.replace("sha256:", ""), name, withoutTag(id), withoutTag(name)].includes(value);
}

function hasLabel(attributes: Readonly<Record<string, string>>, text: string): boolean {
  const equals = text.indexOf("=");
  const key = equals < 0 ? text : text.slice(0, equals);
  if (!Object.hasOwn(attributes, key)) return false;
  return equals < 0 || attributes[key] === text.slice(equals + 1);
}
