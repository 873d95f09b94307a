import type { z } from "zod";
import { buildBody, buildOptions } from "./build.ts";
import { problem } from "./common.ts";
import {
  fileList,
  imageDetails,
  imageDiff,
  imageHistory,
  imageList,
  imagePruneBody,
  layerList,
  removed,
  tagBody,
  tagged,
  untagged,
} from "./image.ts";
import { build, buildList, jobEvent, transfer, transferBody, transferList } from "./job.ts";
import { cacheList, cachePruneBody, cachePruned, diskUsage, info, version } from "./store.ts";

/** Schemas by the name that they have in the OpenAPI document. Bodies and answers are of these alone. */
export const components = {
  Problem: problem,
  ImageList: imageList,
  ImageDetails: imageDetails,
  ImageHistory: imageHistory,
  LayerList: layerList,
  FileList: fileList,
  ImageDiff: imageDiff,
  TagBody: tagBody,
  Tagged: tagged,
  Untagged: untagged,
  Removed: removed,
  ImagePruneBody: imagePruneBody,
  BuildBody: buildBody,
  BuildOptions: buildOptions,
  Build: build,
  BuildList: buildList,
  TransferBody: transferBody,
  Transfer: transfer,
  TransferList: transferList,
  Event: jobEvent,
  CacheList: cacheList,
  CachePruneBody: cachePruneBody,
  CachePruned: cachePruned,
  DiskUsage: diskUsage,
  Info: info,
  Version: version,
} as const satisfies Readonly<Record<string, z.ZodType>>;

/** Name of a schema in the OpenAPI document. */
export type ComponentName = keyof typeof components;
