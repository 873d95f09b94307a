/**
 * Tests that every plugin has to pass, one suite for each kind of hook. A suite registers its tests with Deno's runner, or with
 * whatever it is given, and needs the hook and a few samples of what it works on.
 *
 * @module
 */
export { type LayerCase, layerConformance, type LayerFixture } from "./layer.ts";
export { createLayerContext, createMemoryScratch, type LayerContextOptions } from "./layer_context.ts";
export { createMemoryTree, directory, file, files, hardlink, type MetaOverrides, symlink } from "./memory_tree.ts";
export { parseConformance, type ParseSamples } from "./parse.ts";
export { parseContext, type ParseInput, type RecordedContext } from "./parse_context.ts";
export { type RegisterTest, registerWithDeno } from "./register.ts";
export { type StorePlace, testStore } from "./store.ts";
export { transportConformance, type TransportFixture } from "./transport.ts";
export type * from "../contract/mod.ts";
