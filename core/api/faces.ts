import type { Face } from "./context.ts";
import { dockerFace } from "./docker/face.ts";
import { registryFace } from "./registry/face.ts";
import { strataFace } from "./v1/face.ts";

/** Every face, in the order in which they are asked whether a path is theirs. */
export const faces: readonly Face[] = [strataFace, registryFace, dockerFace];
