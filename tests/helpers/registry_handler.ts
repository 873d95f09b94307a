import { sha256 } from "../../core/oci/digest.ts";
import type { RegistryContent, RepositoryContent } from "./registry_content.ts";

/** Ways in which registries differ; the defaults are those of distribution-spec 1.1. */
export interface RegistryBehaviour {
  /** Whether it knows the referrers API. */
  readonly referrers: boolean;
  /** What can be deleted. */
  readonly deletion: "all" | "digests" | "none";
  /** Whether it answers to HEAD. */
  readonly head: boolean;
  /** Whether it mounts blobs of other repositories; 202 otherwise. */
  readonly mounts: boolean;
  /** Whether it sends `Docker-Content-Digest`. */
  readonly digestHeader: boolean;
  /** Entries of a page of tags or referrers. */
  readonly pageSize: number;
  /** Value of `OCI-Chunk-Min-Length`, which is also enforced; none when 0. */
  readonly minChunkBytes: number;
  /** Largest body of an upload request; 413 beyond it. */
  readonly maxBodyBytes: number;
  /** What stands before the numbers of a `Range` header. */
  readonly rangePrefix: "" | "bytes=";
  /** Whether `Location` holds the whole address. */
  readonly absoluteLocations: boolean;
  /** Where blobs are fetched from: an origin that the address is told by a redirect; here when undefined. */
  readonly blobOrigin: string | undefined;
}

/** What a spec-abiding registry does. */
export const plainBehaviour: RegistryBehaviour = {
  referrers: true,
  deletion: "all",
  head: true,
  mounts: true,
  digestHeader: true,
  pageSize: 1000,
  minChunkBytes: 0,
  maxBodyBytes: Infinity,
  rangePrefix: "",
  absoluteLocations: false,
  blobOrigin: undefined,
};

interface Upload {
  readonly repository: string;
  readonly chunks: Uint8Array<ArrayBuffer>[];
  size: number;
  isShort: boolean;
}

/** Answers as a registry does (distribution-spec, "Endpoints"), out of `content`. */
export class RegistryHandler {
  readonly #content: RegistryContent;
  readonly #behaviour: RegistryBehaviour;
  readonly #uploads = new Map<string, Upload>();

  constructor(content: RegistryContent, behaviour: RegistryBehaviour) {
    this.#content = content;
    this.#behaviour = behaviour;
  }

  /** Uploads that were begun and neither ended nor cancelled. */
  get openUploads(): number {
    return this.#uploads.size;
  }

  async answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/v2/") return Response.json({});
    const blob = /^\/(?:v2|cdn)\/(.+)\/blobs\/([a-z0-9]+:[0-9a-f]+)$/.exec(url.pathname);
    if (blob?.[1] !== undefined && blob[2] !== undefined) return this.#blob(request, blob[1], blob[2]);
    const uploads = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(url.pathname);
    if (uploads?.[1] !== undefined) {
      return await this.#upload(request, { repository: uploads[1], id: uploads[2] ?? "" });
    }
    const manifest = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname);
    if (manifest?.[1] !== undefined && manifest[2] !== undefined) {
      return await this.#manifest(request, manifest[1], manifest[2]);
    }
    const tags = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname);
    if (tags?.[1] !== undefined) return this.#tags(url, tags[1]);
    const referrers = /^\/v2\/(.+)\/referrers\/([^/]+)$/.exec(url.pathname);
    if (referrers?.[1] !== undefined && referrers[2] !== undefined) {
      return this.#referrers(url, referrers[1], referrers[2]);
    }
    return refuse(404, "UNSUPPORTED");
  }

  #blob(request: Request, name: string, digest: string): Response {
    const bytes = this.#content.repositories.get(name)?.blobs.get(digest);
    if (request.method === "HEAD" && !this.#behaviour.head) return refuse(405, "UNSUPPORTED");
    if (bytes === undefined) return refuse(404, "BLOB_UNKNOWN");
    if (request.method !== "HEAD" && request.method !== "GET") return refuse(405, "UNSUPPORTED");
    const { blobOrigin } = this.#behaviour;
    if (blobOrigin !== undefined && request.method === "GET" && new URL(request.url).pathname.startsWith("/v2/")) {
      const location = `${blobOrigin}/cdn/${name}/blobs/${digest}?signature=secret`;
      return new Response(null, { status: 307, headers: { location } });
    }
    const headers = {
      "content-type": "application/octet-stream",
      "accept-ranges": "bytes",
      ...this.#digestHeader(digest),
    };
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "") ?? [];
    const start = Number(from ?? 0);
    if (from !== undefined && start >= bytes.length) return refuse(416, "RANGE_INVALID");
    const body = request.method === "HEAD" ? null : bytes.subarray(start);
    const length = String(bytes.length - start);
    if (from === undefined) return new Response(body, { headers: { ...headers, "content-length": length } });
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    return new Response(body, {
      status: 206,
      headers: { ...headers, "content-length": length, "content-range": range },
    });
  }

  async #upload(request: Request, { repository, id }: { repository: string; id: string }): Promise<Response> {
    const url = new URL(request.url);
    if (id === "") {
      if (request.method !== "POST") return refuse(405, "UNSUPPORTED");
      return this.#begin(url, repository);
    }
    const upload = this.#uploads.get(id);
    if (upload === undefined || upload.repository !== repository) {
      await request.body?.cancel();
      return refuse(404, "BLOB_UPLOAD_UNKNOWN");
    }
    if (url.searchParams.get("_state") !== id) return refuse(400, "BLOB_UPLOAD_INVALID");
    if (request.method === "DELETE") {
      this.#uploads.delete(id);
      return new Response(null, { status: 204 });
    }
    if (request.method === "GET") return this.#progress(url, { upload, id, status: 204 });
    const refused = await this.#receive(request, upload);
    if (refused !== undefined) return refused;
    if (request.method === "PATCH") return this.#progress(url, { upload, id, status: 202 });
    const digest = url.searchParams.get("digest") ?? "";
    const bytes = new Uint8Array(await new Blob(upload.chunks).arrayBuffer());
    if (await sha256(bytes) !== digest) return refuse(400, "DIGEST_INVALID");
    this.#uploads.delete(id);
    this.#content.repository(repository).blobs.set(digest, bytes);
    const location = `/v2/${repository}/blobs/${digest}`;
    return new Response(null, { status: 201, headers: { location, ...this.#digestHeader(digest) } });
  }

  #begin(url: URL, repository: string): Response {
    const [mount, from] = [url.searchParams.get("mount"), url.searchParams.get("from")];
    const mounted = this.#content.repositories.get(from ?? "")?.blobs.get(mount ?? "");
    if (mount !== null && mounted !== undefined && this.#behaviour.mounts) {
      this.#content.repository(repository).blobs.set(mount, mounted);
      const location = `/v2/${repository}/blobs/${mount}`;
      return new Response(null, { status: 201, headers: { location, ...this.#digestHeader(mount) } });
    }
    const id = crypto.randomUUID();
    const upload = { repository, chunks: [], size: 0, isShort: false };
    this.#uploads.set(id, upload);
    return this.#progress(url, { upload, id, status: 202 });
  }

  /** Adds a request's bytes to an upload; gives the answer when they cannot be. What arrives before a cut counts. */
  async #receive(request: Request, upload: Upload): Promise<Response | undefined> {
    const { minChunkBytes, maxBodyBytes, rangePrefix } = this.#behaviour;
    const length = request.headers.get("content-length");
    if (length === null) {
      await request.body?.cancel();
      return refuse(411, "SIZE_INVALID");
    }
    if (Number(length) > maxBodyBytes) {
      await request.body?.cancel();
      return refuse(413, "SIZE_INVALID");
    }
    const range = request.headers.get("content-range");
    const [, start, end] = /^(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    const isRightRange = Number(start) === upload.size && Number(end) - Number(start) + 1 === Number(length);
    if (request.method === "PATCH" && !isRightRange) {
      await request.body?.cancel();
      const last = Math.max(upload.size - 1, 0);
      return refuse(416, "RANGE_INVALID", { range: `${rangePrefix}0-${last}` });
    }
    const before = upload.size;
    for await (const chunk of request.body ?? []) {
      upload.chunks.push(chunk);
      upload.size += chunk.length;
    }
    const received = upload.size - before;
    // Only the last part may be shorter, which shows with the next one.
    if (upload.isShort && received > 0) return refuse(400, "SIZE_INVALID");
    upload.isShort = request.method === "PATCH" && received < minChunkBytes;
    return undefined;
  }

  #progress(url: URL, { upload, id, status }: { upload: Upload; id: string; status: number }): Response {
    const { absoluteLocations, minChunkBytes, rangePrefix } = this.#behaviour;
    const path = `/v2/${upload.repository}/blobs/uploads/${id}?_state=${id}`;
    const headers: Record<string, string> = {
      location: absoluteLocations ? `${url.origin}${path}` : path,
      range: `${rangePrefix}0-${Math.max(upload.size - 1, 0)}`,
      "docker-upload-uuid": id,
    };
    if (minChunkBytes > 0) headers["oci-chunk-min-length"] = String(minChunkBytes);
    return new Response(null, { status, headers });
  }

  async #manifest(request: Request, name: string, wanted: string): Promise<Response> {
    if (request.method === "PUT") return await this.#putManifest(request, name, wanted);
    const repository = this.#content.repositories.get(name);
    const digest = wanted.includes(":") ? wanted : repository?.tags.get(wanted);
    const manifest = digest === undefined ? undefined : repository?.manifests.get(digest);
    if (request.method === "HEAD" && !this.#behaviour.head) return refuse(405, "UNSUPPORTED");
    if (repository === undefined || digest === undefined || manifest === undefined) {
      return refuse(404, repository === undefined ? "NAME_UNKNOWN" : "MANIFEST_UNKNOWN");
    }
    if (request.method === "DELETE") return this.#deleteManifest(repository, { wanted, digest });
    const headers = {
      "content-type": manifest.mediaType,
      "content-length": String(manifest.bytes.length),
      ...this.#digestHeader(digest),
    };
    return new Response(request.method === "HEAD" ? null : manifest.bytes, { headers });
  }

  async #putManifest(request: Request, name: string, wanted: string): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const digest = await sha256(bytes);
    if (wanted.includes(":") && wanted !== digest) return refuse(400, "DIGEST_INVALID");
    const document = JSON.parse(new TextDecoder().decode(bytes));
    const repository = this.#content.repository(name);
    for (const { digest: blob } of [document.config, ...document.layers ?? []].filter((each) => each !== undefined)) {
      if (!repository.blobs.has(blob)) return refuse(404, "MANIFEST_BLOB_UNKNOWN");
    }
    for (const { digest: child } of document.manifests ?? []) {
      if (!repository.manifests.has(child)) return refuse(404, "MANIFEST_BLOB_UNKNOWN");
    }
    repository.manifests.set(digest, { mediaType: request.headers.get("content-type") ?? "", bytes });
    if (!wanted.includes(":")) repository.tags.set(wanted, digest);
    const headers = new Headers({ location: `/v2/${name}/manifests/${digest}`, ...this.#digestHeader(digest) });
    if (document.subject !== undefined && this.#behaviour.referrers) {
      headers.set("oci-subject", document.subject.digest);
    }
    return new Response(null, { status: 201, headers });
  }

  #deleteManifest(repository: RepositoryContent, { wanted, digest }: { wanted: string; digest: string }): Response {
    const { deletion } = this.#behaviour;
    if (deletion === "none" || (deletion === "digests" && wanted !== digest)) return refuse(405, "UNSUPPORTED");
    if (wanted !== digest) repository.tags.delete(wanted);
    else {
      repository.manifests.delete(digest);
      for (const [tag, target] of repository.tags) if (target === digest) repository.tags.delete(tag);
    }
    return new Response(null, { status: 202 });
  }

  #tags(url: URL, name: string): Response {
    const repository = this.#content.repositories.get(name);
    if (repository === undefined) return refuse(404, "NAME_UNKNOWN");
    const after = url.searchParams.get("last") ?? "";
    const asked = Number(url.searchParams.get("n") ?? this.#behaviour.pageSize);
    const size = Math.min(asked, this.#behaviour.pageSize);
    const rest = [...repository.tags.keys()].sort().filter((tag) => tag > after);
    const tags = rest.slice(0, size);
    const next = `${url.pathname}?n=${size}&last=${encodeURIComponent(tags.at(-1) ?? "")}`;
    return Response.json({ name, tags }, { headers: rest.length > size ? { link: `<${next}>; rel="next"` } : {} });
  }

  #referrers(url: URL, name: string, digest: string): Response {
    if (!this.#behaviour.referrers) return refuse(404, "UNSUPPORTED");
    const artifactType = url.searchParams.get("artifactType");
    const all = [...this.#content.repository(name).manifests].flatMap(([own, { mediaType, bytes }]) => {
      const document = JSON.parse(new TextDecoder().decode(bytes));
      if (document.subject?.digest !== digest) return [];
      const type = document.artifactType ?? document.config?.mediaType;
      if (artifactType !== null && type !== artifactType) return [];
      const { annotations } = document;
      return [{ mediaType, digest: own, size: bytes.length, artifactType: type, annotations }];
    });
    const at = Number(url.searchParams.get("at") ?? 0);
    const end = at + this.#behaviour.pageSize;
    const headers = new Headers({ "content-type": "application/vnd.oci.image.index.v1+json" });
    if (artifactType !== null) headers.set("oci-filters-applied", "artifactType");
    if (end < all.length) {
      const filter = artifactType === null ? "" : `&artifactType=${encodeURIComponent(artifactType)}`;
      headers.set("link", `<${url.pathname}?at=${end}${filter}>; rel="next"`);
    }
    const mediaType = "application/vnd.oci.image.index.v1+json";
    return new Response(JSON.stringify({ schemaVersion: 2, mediaType, manifests: all.slice(at, end) }), { headers });
  }

  #digestHeader(digest: string): Record<string, string> {
    return this.#behaviour.digestHeader ? { "docker-content-digest": digest } : {};
  }
}

/** An error answer in the form of the spec ("Error Codes"). */
export function refuse(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ errors: [{ code, message: code.toLowerCase().replaceAll("_", " ") }] }, { status, headers });
}
