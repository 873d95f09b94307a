/**
 * strata as a library: an engine, the use-cases on it, and the plugin contract's types.
 *
 * @module
 */
export { createEngine } from "./core/engine.ts";
export type { Engine, EngineOptions, PluginSections } from "./core/engine.ts";
export { EngineError, isEngineError } from "./core/errors.ts";
export { builtins } from "./plugins/mod.ts";
export { buildImage } from "./core/image/build.ts";
export { checkBuild } from "./core/image/check_build.ts";
export { outlineBuild } from "./core/image/outline_build.ts";
export { printGraph } from "./core/image/print_graph.ts";
export { printDockerfile } from "./core/image/print_dockerfile.ts";
export { listImages } from "./core/image/list.ts";
export { removeImages } from "./core/image/remove.ts";
export { pruneImages } from "./core/image/prune.ts";
export { imageHistory } from "./core/image/history.ts";
export { inspectImages } from "./core/image/inspect.ts";
export { tagImage } from "./core/image/tag.ts";
export { untagImages } from "./core/image/untag.ts";
export { pullImage } from "./core/image/pull.ts";
export { pushImage } from "./core/image/push.ts";
export { loginRegistry, logoutRegistry } from "./core/image/login.ts";
export { copyImages } from "./core/image/copy.ts";
export { editImage } from "./core/image/edit.ts";
export { listTags } from "./core/image/list_tags.ts";
export { inspectManifest } from "./core/image/inspect_manifest.ts";
export { removeRemote } from "./core/image/remove_remote.ts";
export { saveImages } from "./core/image/save.ts";
export { loadImages } from "./core/image/load.ts";
export { importImage } from "./core/image/import.ts";
export { diffImages } from "./core/image/diff.ts";
export { imageTree } from "./core/image/tree.ts";
export { diskUsage } from "./core/image/disk_usage.ts";
export { listCache } from "./core/image/cache_list.ts";
export { pruneCache } from "./core/image/cache_prune.ts";
export { exportCache } from "./core/image/cache_export.ts";
export { importCache } from "./core/image/cache_import.ts";
export { resetStore } from "./core/image/reset.ts";
export { storeInfo } from "./core/image/info.ts";
export { readVersion } from "./core/image/version.ts";
export { openImage } from "./core/image/open_image.ts";
export type { OpenImageInput } from "./core/image/open_image.ts";
export type { ImageEntry, ImageFiles } from "./core/image/image_files.ts";
export { createCall, startCall } from "./core/image/start_call.ts";
export type { StartedCall } from "./core/image/start_call.ts";
export type * from "./core/contract/mod.ts";
export type { ContextSource } from "./core/build/context_source.ts";
export type { Config } from "./core/config.ts";
export type {
  FileConfig,
  PermissionKind,
  PluginConfig,
  PluginPermissions,
  ProgressStyle,
  SandboxKind,
} from "./core/config_file.ts";
export type { PluginEntry, Provides } from "./core/host/plugin_entry.ts";
export type { Host, PluginFacts } from "./core/host/registry.ts";
export type { Entitlement, RunOptions, SecretSource, Ulimit } from "./core/build/run_options.ts";
export type { SnapshotterKind } from "./core/snapshot/snapshotter.ts";
export type { StepSummary } from "./core/build/solve.ts";
export type { Annotation, AnnotationScope } from "./core/image/annotation.ts";
export type {
  BuildFileSource,
  BuildInput,
  BuildOutput,
  CacheFrom,
  CacheTo,
  NamedContext,
} from "./core/image/build_input.ts";
export type { BuildWarning } from "./core/image/build_plan.ts";
export type { BuildResult, BuiltImage, PlatformImage } from "./core/image/build_result.ts";
export type { CacheExportInput, CacheExportResult } from "./core/image/cache_export.ts";
export type { CacheImportInput, CacheImportResult } from "./core/image/cache_import.ts";
export type { CacheListResult } from "./core/image/cache_list.ts";
export type { CacheEngine, CacheMountUsage } from "./core/image/cache_mount.ts";
export type { CachePruneInput, CachePruneResult } from "./core/image/cache_prune.ts";
export type { CheckResult } from "./core/image/check_build.ts";
export type { CopyInput, CopyResult, TransferEngine } from "./core/image/copy.ts";
export type {
  ConfigChange,
  ConfigDifference,
  EditedPlatform,
  EditInput,
  EditResult,
  RebaseInput,
} from "./core/image/edit.ts";
export type { InspectManifestInput, InspectManifestResult } from "./core/image/inspect_manifest.ts";
export type { ListTagsInput } from "./core/image/list_tags.ts";
export type { RemoveRemoteInput, RemoveRemoteResult } from "./core/image/remove_remote.ts";
export type { CompressionChoice } from "./core/image/compression_choice.ts";
export type { DiffInput, DiffResult, DiffRow } from "./core/image/diff.ts";
export type { CacheUsage, DiskUsageInput, DiskUsageResult, DiskUsageRow, ImageUsage } from "./core/image/disk_usage.ts";
export type { HistoryInput, HistoryResult, HistoryRow } from "./core/image/history.ts";
export type { ImportEngine, ImportInput, ImportResult } from "./core/image/import.ts";
export type { InfoResult } from "./core/image/info.ts";
export type { InspectInput, InspectResult } from "./core/image/inspect.ts";
export type { ImageRow, ListEngine, ListInput, ListResult } from "./core/image/list.ts";
export type { LoadInput, LoadResult } from "./core/image/load.ts";
export type { LoadSource } from "./core/image/load_place.ts";
export type { LoadedImage } from "./core/image/name_loaded.ts";
export type { PruneInput, PruneResult } from "./core/image/prune.ts";
export type { PulledImage, PullInput, PullResult } from "./core/image/pull.ts";
export type { PushedImage, PushInput, PushResult } from "./core/image/push.ts";
export type { LoginEngine, LoginInput, LoginResult } from "./core/image/login.ts";
export type { Logins, StoredIn } from "./core/os/credential.ts";
export type { RegistryEngine } from "./core/image/registry.ts";
export type { RemoveEngine } from "./core/image/removal.ts";
export type { RemoveAction, RemoveInput, RemoveResult } from "./core/image/remove.ts";
export type { ResetInput, ResetResult } from "./core/image/reset.ts";
export type { ImageEngine } from "./core/image/resolve_image.ts";
export type { SaveFormat, SaveInput, SaveResult } from "./core/image/save.ts";
export type { TagInput, TagResult } from "./core/image/tag.ts";
export type { TreeFile, TreeInput, TreeLayerRow, TreeResult } from "./core/image/tree.ts";
export type { UntagInput, UntagResult } from "./core/image/untag.ts";
export type { VersionResult } from "./core/image/version.ts";
