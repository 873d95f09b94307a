import type { Value } from "./template/node.ts";

type Members = { readonly [key: string]: Value };

/** Go's nil list: prints as an empty one, and as `null` in JSON. */
function nilList(): Value {
  return Object.assign([], { toJSON: () => null });
}

/** Go's nil map: prints as an empty one, and as `null` in JSON. */
function nilMap(): Value {
  return Object.defineProperty({}, "toJSON", { value: () => null });
}

/** What docker's templates read where an image says nothing, for the members that docker always has. */
const imageDefaults = (): Members => ({ DockerVersion: "", Variant: "", OsVersion: "" });
const configDefaults = (): Members => ({
  User: "",
  ExposedPorts: nilMap(),
  Env: nilList(),
  Cmd: nilList(),
  Healthcheck: null,
  ArgsEscaped: false,
  Volumes: nilMap(),
  WorkingDir: "",
  Entrypoint: nilList(),
  OnBuild: nilList(),
  Labels: nilMap(),
  StopSignal: "",
  Shell: nilList(),
});

/**
 * An inspected image as a template sees it. Docker's objects are structures, whose members are there, empty, when an image says
 * nothing of them: `{{.Config.User}}` prints nothing then. These members can be read but are not shown by `{{json .Config}}`.
 */
export function inspectView(image: Members): Value {
  const config = image["Config"];
  const isObject = typeof config === "object" && config !== null && !Array.isArray(config);
  const whole = isObject ? { ...image, Config: withDefaults(config as Members, configDefaults()) } : { ...image };
  return withDefaults(whole, { ...imageDefaults(), ID: image["Id"] });
}

function withDefaults(members: Members, defaults: Members): Members {
  const result = { ...members };
  for (const [key, value] of Object.entries(defaults)) {
    if (!Object.hasOwn(result, key)) Object.defineProperty(result, key, { value });
  }
  return result;
}
