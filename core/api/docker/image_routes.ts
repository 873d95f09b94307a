import { Hono } from "hono";
import type { Call } from "../../contract/call.ts";
import { imageHistory } from "../../image/history.ts";
import { readImageDetails, readRegistryDigests } from "../../image/image_details.ts";
import { inspectImages } from "../../image/inspect.ts";
import { listImages } from "../../image/list.ts";
import { pruneImages } from "../../image/prune.ts";
import { type RemoveAction, removeImages } from "../../image/remove.ts";
import { resolveImage } from "../../image/resolve_image.ts";
import { tagImage } from "../../image/tag.ts";
import { isEngineError } from "../../errors.ts";
import { digestHex } from "../../oci/digest.ts";
import { familiarReference } from "../../oci/reference.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { dockerError } from "./error.ts";
import { type DockerHost, findSubject, note, refuseReadonly, versionText } from "./host.ts";
import { inspectedAs } from "./inspected.ts";
import { noSuchImage, ofLookup, readRepositoryAndTag } from "./name.ts";
import { filterTexts, isOn, readFilters, readFilterSwitch } from "./query.ts";
import { listSummaries, ofList } from "./summary.ts";
import { isBefore, readApiVersion } from "./version.ts";

/** Filters of lists, and of pruning. */
const listFilters = ["before", "dangling", "label", "reference", "since", "until"];
const pruneFilters = ["dangling", "label", "label!", "until"];

/** Listing, looking at, naming and removing images. */
export function imageRoutes(host: DockerHost): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/images/json", async (c) => c.json(await list(host, c)))
    .post("/images/prune", async (c) => c.json(await prune(host, c)))
    .get("/images/:name{.+}/json", async (c) => c.json(await inspect(host, c)))
    .get("/images/:name{.+}/history", async (c) => c.json(await history(host, c)))
    .post("/images/:name{.+}/tag", (c) => tag(host, c))
    .delete("/images/:name{.+}", async (c) => c.json(await remove(host, c)));
}

async function list(host: DockerHost, c: ApiContext): Promise<unknown> {
  const version = readApiVersion(versionText(c));
  const call = host.callOf(c);
  const filters = new Map(readFilters(c, listFilters));
  const pattern = c.req.query("filter") ?? "";
  if (isBefore(version, "1.25") && pattern !== "" && !filters.has("reference")) filters.set("reference", [pattern]);
  readFilterSwitch(filters, "dangling");
  const details = await readImageDetails(host.engine, call);
  const containers = !isBefore(version, "1.42") && isOn(c, "shared-size") ? 0 : -1;
  try {
    const rows = await listSummaries(host, { filters: filterTexts(filters), version, details, containers }, call);
    return rows.map((row) => ({ ...row, Containers: -1 }));
  } catch (error) {
    throw ofList(error, filters);
  }
}

async function inspect(host: DockerHost, c: ApiContext): Promise<unknown> {
  const version = readApiVersion(versionText(c));
  const name = nameOf(c);
  const call = host.callOf(c);
  // Names of other places, such as archives of this machine, are none here.
  const RepoDigests = await readRegistryDigests(host.engine, name, call).catch((error) => {
    throw ofLookup(error, name);
  });
  const { images: [image], errors: [error] } = await inspectImages(host.engine, { images: [name] }, call);
  if (image === undefined) throw ofLookup(error ?? noSuchImage(name), name);
  return inspectedAs({ ...image, RepoDigests }, version, host.engine.config.store);
}

async function history(host: DockerHost, c: ApiContext): Promise<unknown> {
  const name = nameOf(c);
  const call = host.callOf(c);
  const { rows } = await resolveImage(host.engine, name, call)
    .then(() => imageHistory(host.engine, { image: name }, call))
    .catch((error) => {
      throw ofLookup(error, name);
    });
  return rows.map(({ id, created, createdBy, size, comment, tags }) => ({
    Comment: comment,
    Created: Math.floor((created?.getTime() ?? 0) / 1000),
    CreatedBy: createdBy,
    Id: id ?? "<missing>",
    Size: size,
    Tags: tags.length === 0 ? null : tags,
  }));
}

async function tag(host: DockerHost, c: ApiContext): Promise<Response> {
  refuseReadonly(host);
  const name = nameOf(c);
  const reference = readRepositoryAndTag(c.req.query("repo") ?? "", c.req.query("tag") ?? "");
  const target = familiarReference(reference);
  if (/^sha256(?::|$)/.test(target)) {
    throw dockerError(400, "refusing to create an ambiguous tag using digest algorithm as name");
  }
  const call = host.callOf(c);
  await tagImage(host.engine, { source: name, target }, call).catch((error) => {
    throw ofLookup(error, name);
  });
  const subject = await findSubject(host, target, call);
  if (subject !== undefined) note(host, "tag", subject, target);
  return c.body(null, 201);
}

async function remove(host: DockerHost, c: ApiContext): Promise<unknown> {
  refuseReadonly(host);
  const name = nameOf(c);
  if (name.trim() === "") throw dockerError(400, "image name cannot be blank");
  const call = host.callOf(c);
  const subject = await findSubject(host, name, call);
  const input = { images: [name], force: isOn(c, "force"), noPrune: isOn(c, "noprune") };
  const { actions, errors: [error] } = await removeImages(host.engine, input, call);
  if (error !== undefined) throw ofRemoval(error, name);
  for (const action of actions) {
    if (subject === undefined) continue;
    if (action.type === "untagged" && !action.name.includes("@")) note(host, "untag", subject);
    else if (action.type === "deleted" && action.digest === subject.id) {
      note(host, "delete", { ...subject, labels: {} });
    }
  }
  return actions.map(showAction);
}

async function prune(host: DockerHost, c: ApiContext): Promise<unknown> {
  refuseReadonly(host);
  const filters = readFilters(c, pruneFilters);
  readFilterSwitch(filters, "dangling");
  if ((filters.get("until") ?? []).length > 1) throw dockerError(400, "more than one until filter specified");
  const call = host.callOf(c);
  const ids = await readIds(host, call);
  const { actions, reclaimed } = await pruneImages(host.engine, { filters: filterTexts(filters) }, call);
  let untagged = 0;
  for (const action of actions) {
    if (action.type === "untagged") untagged++;
    else if (ids.has(action.digest)) {
      const subject = { id: action.digest, labels: {} };
      for (; untagged > 0; untagged--) note(host, "untag", subject);
      note(host, "delete", subject);
    }
  }
  host.events.add({ action: "prune", id: "", attributes: { reclaimed: String(reclaimed) } });
  return { ImagesDeleted: actions.length === 0 ? null : actions.map(showAction), SpaceReclaimed: reclaimed };
}

async function readIds({ engine }: DockerHost, call: Call): Promise<ReadonlySet<string>> {
  const { rows } = await listImages(engine, { all: true }, call);
  return new Set(rows.map(({ id }) => id));
}

function showAction(action: RemoveAction): Record<string, string> {
  return action.type === "untagged" ? { Untagged: action.name } : { Deleted: action.digest };
}

/** What kept an image from being removed, in docker's words. */
function ofRemoval(error: unknown, text: string): unknown {
  if (!isEngineError(error) || error.code !== "CONFLICT" || !("names" in error.detail)) return ofLookup(error, text);
  const id = error.detail["name"];
  const short = typeof id === "string" ? digestHex(`sha256:${id.replace("sha256:", "")}`).slice(0, 12) : text;
  const state = "image is referenced in multiple repositories";
  return dockerError(409, `conflict: unable to delete ${short} (must be forced) - ${state}`, error);
}

/** The name in the path of a request. */
function nameOf(c: ApiContext): string {
  return c.req.param("name") ?? "";
}
