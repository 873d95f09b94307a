import { Hono } from "hono";
import type { HostedManifest } from "../../image/hosted_registry.ts";
import { MediaType } from "../../oci/media_type.ts";
import type { ApiEnv } from "../context.ts";
import { registryError } from "./error.ts";
import { nameOf, pageOf, readDigest, type RegistryHost, repositoryOf } from "./request.ts";

/** Most referrers in one answer, so that it stays below the size that clients read of an index. */
const maxReferrers = 1000;

/** What there is: repositories, tags of a repository, and what is about an image. */
export function listRoutes(host: RegistryHost): Hono<ApiEnv> {
  const { registry: { images } } = host;
  const app = new Hono<ApiEnv>();
  app.get("/v2/_catalog", async (c) => {
    const { page, headers } = pageOf(c, await images.repositories(host.callOf(c)));
    return c.json({ repositories: page }, 200, headers);
  });
  app.get("/v2/:name{.+}/tags/list", async (c) => {
    const names = await images.names(repositoryOf(c), host.callOf(c));
    if (names.length === 0) {
      throw registryError(404, "NAME_UNKNOWN", `Cannot list tags of "${nameOf(c)}": there is no such repository`);
    }
    const { page, headers } = pageOf(c, names.flatMap(({ tag }) => tag ?? []));
    return c.json({ name: nameOf(c), tags: page }, 200, headers);
  });
  app.get("/v2/:name{.+}/referrers/:digest", async (c) => {
    const digest = readDigest(c.req.param("digest"));
    const wanted = c.req.query("artifactType");
    const all = await images.manifests(repositoryOf(c), host.callOf(c));
    const about = [...all.values()].filter(({ subject, artifactType }) =>
      subject?.digest === digest && (wanted === undefined || artifactType === wanted)
    );
    const { page, headers } = pageOf(c, about.map(({ descriptor }) => descriptor.digest).sort(), maxReferrers);
    const chosen = new Set(page);
    const manifests = about.filter(({ descriptor }) => chosen.has(descriptor.digest)).map(describe);
    return new Response(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.index, manifests }), {
      headers: {
        ...headers,
        "Content-Type": MediaType.index,
        ...(wanted === undefined ? {} : { "OCI-Filters-Applied": "artifactType" }),
      },
    });
  });
  return app;
}

function describe({ descriptor, artifactType, annotations }: HostedManifest): Record<string, unknown> {
  return {
    ...descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
