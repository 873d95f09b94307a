import type { Context, Hono } from "hono";
import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import type { EngineError } from "../errors.ts";

/**
 * Name of a face: strata's own API, Docker's Engine API for images, a registry.
 *
 * @example A registry and nothing else
 * ```ts
 * import type { FaceName } from "@strata/strata/api";
 *
 * const faces: readonly FaceName[] = ["registry"];
 * console.log(faces);
 * ```
 */
export type FaceName = "strata" | "docker" | "registry";

/**
 * What is known of a connection; nothing where the app runs inside another server that does not tell.
 *
 * @example A client of this machine
 * ```ts
 * import type { Connection } from "@strata/strata/api";
 *
 * const connection: Connection = { client: "127.0.0.1", completed: Promise.resolve() };
 * console.log(connection.client);
 * ```
 */
export interface Connection {
  /** Who asks: the address of the other end, without its port; `unix` for a socket file. */
  readonly client?: string;
  /** Whether the server is done with a piece of a body when it asks for the next one, as Deno's is. */
  readonly isPassing?: boolean;
  /** Settles when the answer has been sent, or when that failed. */
  readonly completed?: Promise<void>;
}

/**
 * Types of the app and of the faces in it.
 *
 * @example A route of one's own that knows who asks
 * ```ts
 * import { Hono } from "hono";
 * import type { ApiEnv } from "@strata/strata/api";
 *
 * const app = new Hono<ApiEnv>().get("/me", (c) => c.text(c.env.client ?? "unknown"));
 * console.log(await (await app.request("/me", {}, { client: "127.0.0.1" })).text());
 * ```
 */
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
  /** Aborted when the server begins to stop: an answer that would go on for ever, such as a stream of events, ends. */
  readonly ending: AbortSignal;
  /** Aborted when the server stops and does not wait any longer. */
  readonly signal: AbortSignal;
  /** Folders of this host in which build contexts may be. */
  readonly contextRoots: readonly string[];
  /** Is told of work that goes on after its request was answered, so that the engine is not closed under it. It never rejects. */
  track(work: Promise<void>): void;
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
