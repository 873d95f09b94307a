import type { Context, Hono } from "hono";
import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import type { EngineError } from "../errors.ts";

/** Name of a face: strata's own API, Docker's Engine API for images, a registry. */
export type FaceName = "strata" | "docker" | "registry";

/** What is known of a connection; nothing where the app runs inside another server that does not tell. */
export interface Connection {
  /** Who asks: the address of the other end, without its port; `unix` for a socket file. */
  readonly client?: string;
  /** Settles when the answer has been sent, or when that failed. */
  readonly completed?: Promise<void>;
}

/** Types of the app and of the faces in it. */
export interface ApiEnv {
  /** What the server tells of the connection. */
  Bindings: Connection;
}

/** One request on its way. */
export type ApiContext = Context<ApiEnv>;

/** What a face is given. */
export interface FaceHost {
  readonly engine: Engine;
  /** Whether everything that changes something is refused. */
  readonly isReadonly: boolean;
  /** Aborted when the server stops and does not wait any longer. */
  readonly signal: AbortSignal;
  /** What a use-case is called with: aborted when the client goes away or the server stops. Its events go nowhere. */
  callOf(c: ApiContext): Call;
}

/** One of the APIs that the app speaks. */
export interface Face {
  readonly name: FaceName;
  /** Whether a path is this face's, whether there is such a route or not. Of several, the first one in core/api/faces.ts counts. */
  owns(path: string): boolean;
  /** Its routes, with whole paths. */
  routes(host: FaceHost): Hono<ApiEnv>;
  /** The one place where its errors become answers; those of the guards too, which ask before a route does. */
  showError(error: EngineError, c: ApiContext): Response;
}
