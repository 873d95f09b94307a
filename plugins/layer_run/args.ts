import type { BuildOp, Json, Kit, RunFile, RunMount, RunSpec } from "../../core/contract/mod.ts";

/** Reads the arguments of a `run`. Throws `INVALID_ARGUMENT`, and `UNSUPPORTED` for devices. */
export function readRunSpec(op: BuildOp, kit: Kit): RunSpec {
  const read = new Fields(op.args, kit);
  const unkeyed = new Fields(op.unkeyed ?? {}, kit);
  const args = read.texts("args");
  if (args.length === 0) read.fail("args");
  refuseDevices(read, kit);
  const caches = unkeyed.list("caches").map((cache) => new Fields(cache, kit));
  return {
    args,
    env: [...read.texts("env"), ...unkeyed.texts("env")],
    cwd: read.path("cwd"),
    user: read.text("user"),
    network: read.oneOf("network", ["default", "host", "none"]),
    security: read.oneOf("security", ["sandbox", "insecure"]),
    hostname: read.textOrNull("hostname"),
    mounts: read.list("mounts").map((mount) => readMount(new Fields(mount, kit), caches)),
    files: read.list("files").map((file) => readFile(new Fields(file, kit))),
  };
}

function refuseDevices(read: Fields, kit: Kit): void {
  const [device] = read.list("devices").map((each) => new Fields(each, kit));
  if (device === undefined) return;
  const name = device.text("name");
  throw kit.error("UNSUPPORTED", `Cannot run with --device "${name}": devices are not passed on to commands`, {
    detail: { what: "--device", value: name },
    hint: "Leave the flag out, or use the device when the image runs",
  });
}

function readMount(read: Fields, caches: Fields[]): RunMount {
  const type = read.oneOf("type", ["bind", "cache", "secret", "ssh", "tmpfs"]);
  switch (type) {
    case "bind":
      return {
        type,
        target: read.path("target"),
        input: read.count("input"),
        source: read.text("source"),
        readonly: read.flag("readonly"),
      };
    case "cache": {
      const cache = caches.shift() ?? read.fail("caches");
      return {
        type,
        target: read.path("target"),
        id: cache.text("id"),
        sharing: cache.oneOf("sharing", ["shared", "private", "locked"]),
        readonly: read.flag("readonly"),
        input: read.countOrNull("input"),
        source: read.text("source"),
        ...readOwner(read),
      };
    }
    case "secret": {
      const target = read.textOrNull("target");
      return {
        type,
        id: read.text("id"),
        target: target === null ? null : read.path("target"),
        env: read.textOrNull("env"),
        required: read.flag("required"),
        ...readOwner(read),
      };
    }
    case "ssh":
      return {
        type,
        id: read.text("id"),
        target: read.path("target"),
        required: read.flag("required"),
        ...readOwner(read),
      };
    case "tmpfs":
      return { type, target: read.path("target"), size: read.countOrNull("size"), readonly: read.flag("readonly") };
  }
}

function readOwner(read: Fields): { readonly uid: number; readonly gid: number; readonly mode: number } {
  return { uid: read.count("uid"), gid: read.count("gid"), mode: read.count("mode") };
}

function readFile(read: Fields): RunFile {
  return { path: read.path("path"), text: read.text("text"), mode: read.count("mode") };
}

/** Members of a JSON object, each checked when it is read. */
class Fields {
  readonly #value: Readonly<Record<string, Json>>;
  readonly #kit: Kit;

  constructor(value: Json, kit: Kit) {
    this.#kit = kit;
    this.#value = isRecord(value) ? value : {};
  }

  text(field: string): string {
    const value = this.#value[field];
    return typeof value === "string" && !value.includes("\0") ? value : this.fail(field);
  }

  textOrNull(field: string): string | null {
    return this.#value[field] === null ? null : this.text(field);
  }

  /** An absolute path. */
  path(field: string): string {
    const text = this.text(field);
    return text.startsWith("/") ? text : this.fail(field);
  }

  oneOf<T extends string>(field: string, known: readonly T[]): T {
    return known.find((each) => each === this.#value[field]) ?? this.fail(field);
  }

  flag(field: string): boolean {
    const value = this.#value[field];
    return typeof value === "boolean" ? value : this.fail(field);
  }

  count(field: string): number {
    const value = this.#value[field];
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : this.fail(field);
  }

  countOrNull(field: string): number | null {
    return this.#value[field] === null ? null : this.count(field);
  }

  list(field: string): readonly Json[] {
    const value = this.#value[field];
    return Array.isArray(value) ? value : this.fail(field);
  }

  texts(field: string): readonly string[] {
    return this.list(field).map((item) => typeof item === "string" && !item.includes("\0") ? item : this.fail(field));
  }

  fail(field: string): never {
    throw this.#kit.error("INVALID_ARGUMENT", `Cannot read operation "run": its argument "${field}" is malformed`, {
      detail: { field, value: "run" },
    });
  }
}

function isRecord(value: Json): value is Readonly<Record<string, Json>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
