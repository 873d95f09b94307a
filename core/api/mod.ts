/**
 * strata's local API for other servers: an app of Hono over an engine. Only `strata serve` and who imports this load it.
 *
 * @module
 */
export { createApi, faceNames } from "./api.ts";
export type { ApiOptions } from "./api.ts";
export type { ApiEnv, Connection, FaceName } from "./context.ts";
export type { ParallelLimit } from "./parallel.ts";
export { listenApi } from "./listen.ts";
export type { Listening, ListenOptions, ListenPlace } from "./listen.ts";
