/**
 * The plugin contract: types only, no run-time code.
 *
 * @module
 */
export type * from "./call.ts";
export type * from "./content.ts";
export type * from "./image_config.ts";
export type * from "./kit.ts";
export type * from "./layer.ts";
export type * from "./parse.ts";
export type * from "./plugin.ts";
export type * from "./store.ts";
export type * from "./transport.ts";
export type { EngineError, EngineErrorOptions, ErrorCode } from "../errors.ts";
export type { Json } from "../oci/canonical_json.ts";
export type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
export type { ExecConfig, Healthcheck, History, ImageConfig } from "../oci/image_config.ts";
export type { ImageIndex, Manifest } from "../oci/manifest.ts";
export type { Reference } from "../oci/reference.ts";
