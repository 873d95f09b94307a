import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { familiarReference, formatReference, parseReference } from "./reference.ts";

const hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

Deno.test("parseReference() completes names as docker does", () => {
  const table: [string, string, string][] = [
    ["alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"],
    ["user/app", "docker.io/user/app:latest", "user/app:latest"],
    ["index.docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"],
    ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
    ["localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"],
    ["quay.io/a/b/c:x", "quay.io/a/b/c:x", "quay.io/a/b/c:x"],
    ["Host/app", "Host/app:latest", "Host/app:latest"],
    ["[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"],
    [`alpine@sha256:${hex}`, `docker.io/library/alpine@sha256:${hex}`, `alpine@sha256:${hex}`],
    [`alpine:1@sha256:${hex}`, `docker.io/library/alpine:1@sha256:${hex}`, `alpine:1@sha256:${hex}`],
    ["a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g:latest", "a__b/c--d/e.f_g:latest"],
    [`example.com/${hex}`, `example.com/${hex}:latest`, `example.com/${hex}:latest`],
  ];
  for (const [text, full, familiar] of table) {
    const reference = parseReference(text);
    assertEquals(formatReference(reference), full);
    assertEquals(familiarReference(reference), familiar);
    assertEquals(parseReference(full), reference);
  }
});

Deno.test("parseReference() refuses what is no reference and says why", () => {
  const table: [string, string][] = [
    ["", "it has no repository name"],
    [":tag", "it has no repository name"],
    ["Alpine", "a repository name is lower-case"],
    ["host.io/App", "a repository name is lower-case"],
    [hex, "an image ID, not a name"],
    ["a//b", "between slashes"],
    ["a/b/", "between slashes"],
    ["a___b", "between slashes"],
    ["-a", "between slashes"],
    ["a b", "between slashes"],
    ["../a", "is not a registry host"],
    ["a:", "its tag"],
    ["a:b:c", "its tag"],
    ["a:-x", "its tag"],
    [`a:${"x".repeat(129)}`, "its tag"],
    ["a@sha256:123", "its digest"],
    [`a@sha256:${hex.toUpperCase()}`, "its digest"],
    [`a@md5:${hex}`, "its digest"],
    ["a".repeat(256), "longer than 255"],
    ["http://host/app", "is not a registry host"],
    ["-host.io/app", "is not a registry host"],
    ["a\0b", "between slashes"],
  ];
  for (const [text, why] of table) assertThrows(() => parseReference(text), EngineError, why);
});
