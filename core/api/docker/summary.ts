import type { Call } from "../../contract/call.ts";
import { registryDigests, type StoreDetails } from "../../image/image_details.ts";
import { type ImageRow, listImages } from "../../image/list.ts";
import type { Digest } from "../../oci/descriptor.ts";
import { ofLookup } from "./name.ts";
import type { DockerHost } from "./host.ts";
import { type ApiVersion, isBefore } from "./version.ts";

/** What a list of images is asked. */
export interface SummaryQuery {
  /** `key=value` each. */
  readonly filters: readonly string[];
  readonly version: ApiVersion;
  readonly details: StoreDetails;
  /** Number of containers that is told of each: 0, or -1 for not counted. Sizes that are shared are told where it is 0. */
  readonly containers: 0 | -1;
}

/** Images as docker lists them, one object for each, newest first. Rejects as `listImages` does. */
export async function listSummaries(
  { engine }: DockerHost,
  query: SummaryQuery,
  call: Call,
): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await listImages(engine, { all: true, filters: query.filters }, call);
  const images = new Map<Digest, ImageRow[]>();
  for (const row of rows) images.set(row.id, [...images.get(row.id) ?? [], row]);
  return [...images.values()].map((rows) => summaryOf(rows, query));
}

/** The error of listing in docker's words: a filter may name an image that is not there. */
export function ofList(error: unknown, filters: ReadonlyMap<string, readonly string[]>): unknown {
  const [name = ""] = [...filters.get("before") ?? [], ...filters.get("since") ?? []];
  return ofLookup(error, name);
}

function summaryOf(rows: readonly ImageRow[], query: SummaryQuery): Record<string, unknown> {
  const { version, details, containers } = query;
  const [first] = rows;
  const found = first === undefined ? undefined : details.images.get(first.id);
  const isNone = isBefore(version, "1.43") && rows.every(({ repository }) => repository === undefined);
  const tags = rows.flatMap(({ repository, tag }) => tag === undefined ? [] : [`${repository}:${tag}`]);
  return {
    Containers: containers,
    Created: Math.floor((first?.created?.getTime() ?? 0) / 1000),
    Id: first?.id,
    Labels: found?.labels ?? null,
    ParentId: "",
    RepoDigests: isNone ? ["<none>@<none>"] : digestsOf(rows, found?.compressed ?? new Set()),
    RepoTags: isNone ? ["<none>:<none>"] : tags,
    SharedSize: containers === 0 ? found?.sharedSize ?? 0 : -1,
    Size: first?.size,
    ...(isBefore(version, "1.44") ? { VirtualSize: first?.size } : {}),
  };
}

/** Digests of the repositories that are shown; names by digest have no rows of their own beside tags. */
function digestsOf(rows: readonly ImageRow[], compressed: ReadonlySet<Digest>): readonly string[] {
  const shown = rows.flatMap(({ repository, tag, digest }) =>
    repository === undefined
      ? []
      : [{ name: tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`, digest }]
  );
  const repositories = new Set(rows.map(({ repository }) => repository));
  const byDigest = (rows[0]?.names ?? []).filter((name) => repositories.has(name.split("@")[0]) && name.includes("@"));
  const named = byDigest.map((name) => ({ name, digest: rows[0]?.digest ?? "sha256:" as const }));
  return registryDigests([...shown, ...named], { compressed });
}
