import { pickManifest } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { isIndexType } from "../oci/media_type.ts";
import { choosePlatform, formatPlatform, isAttestation } from "../oci/platform.ts";
import { readIndex } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { bareDescriptor, type CopyEnds, createGraphCopier } from "./graph_copier.ts";

/** What to copy from where to where. */
export interface GraphCopy extends CopyEnds {
  /** Manifest or index to copy with all it refers to. */
  readonly root: Descriptor;
  /** Platforms of an index to keep; all when empty. */
  readonly platforms: readonly Platform[];
  /** What one platform of an index stands for at the other end: its manifest, or the index without the others; the former when left out. */
  readonly onePlatform?: "manifest" | "index";
}

/**
 * Copies a graph of content: children before parents, each digest once, nothing that is there already. Manifests of an index that the
 * source does not have are passed over, as tools leave out other platforms. Gives the descriptor, without annotations, of what
 * stands for the image at the other end. Rejects `NOT_FOUND` when a part is missing or no manifest is for a wanted platform.
 */
export async function copyGraph(copy: GraphCopy, call: Call): Promise<Descriptor> {
  const { keep, root } = await chooseParts(copy, call);
  const isWanted = (child: Descriptor, parent: Descriptor): boolean =>
    (keep === undefined || !isIndexType(parent.mediaType) || keep.has(child.digest)) &&
    (copy.isWanted?.(child, parent) ?? true);
  await createGraphCopier({ ...copy, isWanted }, call).copy(root);
  return root;
}

/** What of a graph is copied. */
export interface GraphParts {
  /** What stands for the image at the other end, without annotations. */
  readonly root: Descriptor;
  /** Entries of indexes that are kept; undefined for all. */
  readonly keep: ReadonlySet<Digest> | undefined;
}

/** Chooses what of a graph is copied for some platforms. Rejects `NOT_FOUND` when no manifest is for one of them. */
export async function chooseParts(
  copy: Pick<GraphCopy, "from" | "root" | "platforms" | "onePlatform">,
  call: Call,
): Promise<GraphParts> {
  const { from, platforms } = copy;
  const root = bareDescriptor(copy.root);
  const [only, ...others] = platforms;
  if (only === undefined || !isIndexType(root.mediaType)) return { root, keep: undefined };
  if (others.length > 0) return { root, keep: await keepPlatforms(copy, call) };
  const path: Descriptor[] = [];
  const picked = await pickManifest(from, { descriptor: root, name: root.digest, platform: only, path }, call);
  if (copy.onePlatform !== "index") return { root: picked, keep: undefined };
  return { root, keep: new Set(path.map(({ digest }) => digest)) };
}

async function keepPlatforms(
  { from, root, platforms }: Pick<GraphCopy, "from" | "root" | "platforms">,
  call: Call,
): Promise<ReadonlySet<Digest>> {
  const { manifests } = readIndex(await readDocument(from, bareDescriptor(root), call), root.mediaType);
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
  return kept;
}
