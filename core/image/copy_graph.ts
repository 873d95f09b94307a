import { pickManifest } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSink, ContentSource } from "../contract/content.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { isIndexType } from "../oci/media_type.ts";
import { choosePlatform, formatPlatform, isAttestation } from "../oci/platform.ts";
import { maxDocumentBytes, readIndex } from "../oci/validate.ts";
import { readReferences } from "../store/graph.ts";
import { collect } from "../stream/collect.ts";

/** What to copy from where to where. */
export interface GraphCopy {
  /** Where to read; its streams must be verified. */
  readonly from: ContentSource;
  /** Where to write. */
  readonly to: ContentSink;
  /** Manifest or index to copy with all it refers to. */
  readonly root: Descriptor;
  /** Platforms of an index to keep; all when empty. One gives its manifest in place of the index. */
  readonly platforms: readonly Platform[];
}

/**
 * Copies a graph of content: children before parents in the order their parent has them, each digest once, nothing that is there
 * already. Manifests of an index that the source does not have are passed over, as tools leave out other platforms. Gives the
 * descriptor, without annotations, of what stands for the image at the other end. Rejects `NOT_FOUND` when a part is missing or no
 * manifest is for a wanted platform.
 */
export async function copyGraph(copy: GraphCopy, call: Call): Promise<Descriptor> {
  const { keep, root } = await choose(copy, call);
  await copyOne({ ...copy, keep, done: new Map() }, root, call);
  return root;
}

interface Task extends GraphCopy {
  /** Entries of the root index to keep; undefined for all. */
  readonly keep: ReadonlySet<Digest> | undefined;
  /** What was met so far. */
  readonly done: Map<Digest, Promise<void>>;
}

function copyOne(task: Task, descriptor: Descriptor, call: Call): Promise<void> {
  const known = task.done.get(descriptor.digest);
  if (known !== undefined) return known;
  const copied = copyWithChildren(task, descriptor, call);
  task.done.set(descriptor.digest, copied);
  return copied;
}

async function copyWithChildren(task: Task, descriptor: Descriptor, call: Call): Promise<void> {
  const { from, to, keep } = task;
  const bare = bareDescriptor(descriptor);
  const { needed, optional } = await readReferences(from, bare, call);
  for (const child of needed) await copyOne(task, child, call);
  const isRoot = bare.digest === task.root.digest;
  const absent: unknown[] = [];
  let present = 0;
  for (const child of optional) {
    if (isRoot && keep !== undefined && !keep.has(child.digest)) continue;
    try {
      await copyOne(task, child, call);
      present++;
    } catch (error) {
      if (!isEngineError(error) || error.code !== "NOT_FOUND") throw error;
      absent.push(error);
    }
  }
  if (isIndexType(bare.mediaType) && present === 0 && absent.length > 0) throw absent[0];
  if (!await to.has(bare, call)) await to.put(bare, (offset) => from.open(bare, call, offset), call);
}

async function choose(
  copy: GraphCopy,
  call: Call,
): Promise<{ readonly root: Descriptor; readonly keep: ReadonlySet<Digest> | undefined }> {
  const { from, platforms } = copy;
  const root = bareDescriptor(copy.root);
  const [only, ...others] = platforms;
  if (only === undefined || !isIndexType(root.mediaType)) return { root, keep: undefined };
  if (others.length === 0) {
    const picked = await pickManifest(from, { descriptor: root, name: root.digest, platform: only }, call);
    return { root: picked, keep: undefined };
  }
  const { manifests } = readIndex(await collect(await from.open(root, call), maxDocumentBytes), root.mediaType);
  const kept = new Set(platforms.map((platform) => {
    const found = choosePlatform(manifests, platform);
    if (found !== undefined) return found.digest;
    const wanted = formatPlatform(platform);
    throw new EngineError("NOT_FOUND", `Cannot copy image "${root.digest}" for "${wanted}": it has no such platform`, {
      detail: { kind: "platform", name: wanted },
    });
  }));
  for (const child of manifests) {
    const about = child.annotations?.["vnd.docker.reference.digest"];
    if (isAttestation(child) && [...kept].some((digest) => digest === about)) kept.add(child.digest);
  }
  return { root, keep: kept };
}

function bareDescriptor({ mediaType, digest, size, artifactType }: Descriptor): Descriptor {
  return { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) };
}
