import { Hono } from "hono";
import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { checkHost, checkOrigin, checkToken } from "./access.ts";
import type { ApiContext, ApiEnv, Face, FaceHost, FaceName } from "./context.ts";
import { faces } from "./faces.ts";
import { limitParallel, type ParallelLimit } from "./parallel.ts";
import { statusOf, toEngineError } from "./status.ts";

/**
 * Names of the faces that there are.
 *
 * @example Every API that there is
 * ```ts
 * import { faceNames } from "@strata/strata/api";
 *
 * console.log(faceNames);
 * ```
 */
export const faceNames: readonly FaceName[] = faces.map(({ name }) => name);

/**
 * What an app is made with.
 *
 * @example A registry that only gives
 * ```ts
 * import type { ApiOptions } from "@strata/strata/api";
 *
 * const options: ApiOptions = { faces: ["registry"], isReadonly: true, token: "a long secret" };
 * console.log(options.faces);
 * ```
 */
export interface ApiOptions {
  /** The faces that answer; all when left out. */
  readonly faces?: readonly FaceName[];
  /** Whether everything that changes something is refused. */
  readonly isReadonly?: boolean;
  /** What every request has to show, as `Bearer` or as a password; without it everybody who can connect is answered. */
  readonly token?: string;
  /** Names that requests may have as `Host`, without port; any when left out. */
  readonly hosts?: readonly string[];
  /** How many requests of a client are worked on at once; 256, and 4096 more that wait, when left out. */
  readonly parallel?: ParallelLimit;
  /** Aborting it ends answers that would go on for ever, such as streams of events. */
  readonly ending?: AbortSignal;
  /** Aborting it aborts all work that is under way. */
  readonly signal?: AbortSignal;
  /** Folders of this host whose folders may be build contexts of strata's own API; none when left out. */
  readonly contextRoots?: readonly string[];
  /** Told of work that goes on after its request was answered, such as a build: wait for it before the engine is closed. It never rejects. */
  readonly onWork?: (work: Promise<void>) => void;
  /** Told of failures that are not the client's: those with a status of 500 and more. */
  readonly onFailure?: (error: EngineError) => void;
}

const usualLimit: ParallelLimit = { working: 256, waiting: 4096 };

/**
 * The local API as an app of Hono: the faces that are asked for, over the use-cases, behind the checks that the options ask for. It does not
 * listen by itself: give its `fetch` to a server, or mount it in another app. Close the engine after the last answer.
 *
 * @example A registry in a server of one's own
 * ```ts
 * import { builtins, createEngine } from "@strata/strata";
 * import { createApi } from "@strata/strata/api";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const app = createApi(engine, { faces: ["registry"] });
 * const answer = await app.request("/v2/");
 * console.log(answer.status);
 * ```
 */
export function createApi(engine: Engine, options: ApiOptions = {}): Hono<ApiEnv> {
  const chosen = faces.filter(({ name }) => options.faces === undefined || options.faces.includes(name));
  const signal = options.signal ?? new AbortController().signal;
  const host: FaceHost = {
    engine,
    isReadonly: options.isReadonly === true,
    ending: options.ending ?? signal,
    signal,
    contextRoots: options.contextRoots ?? [],
    track: (work) => options.onWork?.(work),
    callOf: (c) => callOf(c, options.signal),
  };
  const app = new Hono<ApiEnv>();
  app.onError((caught, c) => {
    const error = toEngineError(caught, host.callOf(c).signal);
    if (statusOf(error) >= 500) options.onFailure?.(error);
    return show(chosen, error, c);
  });
  app.notFound((c) => show(chosen, unknownRoute(c), c));
  app.use(limitParallel(options.parallel ?? usualLimit));
  if (options.hosts !== undefined) app.use(checkHost(options.hosts));
  app.use(checkOrigin());
  if (options.token !== undefined) app.use(checkToken(options.token));
  for (const face of chosen) app.route("/", face.routes(host));
  return app;
}

/** Bodies of these requests are of no use to the routes; whoever gave up waiting for the answer wants no work done. */
function callOf(c: ApiContext, stop: AbortSignal | undefined): Call {
  const { signal } = c.req.raw;
  return { signal: stop === undefined ? signal : AbortSignal.any([signal, stop]), emit: () => {} };
}

function unknownRoute(c: ApiContext): EngineError {
  const path = c.req.path.slice(0, 200);
  return new EngineError("NOT_FOUND", `Cannot answer ${c.req.method} "${path}": there is no such route`, {
    detail: { kind: "route", name: path },
  });
}

/** Lets the face show the error whose path it is; what is nobody's is plain JSON. */
function show(chosen: readonly Face[], error: EngineError, c: ApiContext): Response {
  const face = chosen.find((each) => each.owns(c.req.path));
  if (face !== undefined) return face.showError(error, c);
  return Response.json({ code: error.code, message: error.message }, { status: statusOf(error) });
}
