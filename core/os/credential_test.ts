import { assert, assertEquals } from "@std/assert";
import type { Call } from "../contract/call.ts";
import { tempFolder } from "../../tests/helpers/strata.ts";
import { readAuthEntry } from "./auth_entry.ts";
import { type CredentialPlaces, eraseCredential, findCredential, storeCredential } from "./credential.ts";
import { findKey } from "./credential_key.ts";

function quiet(warnings: string[] = []): Call {
  const emit: Call["emit"] = (event) => event.type === "warning" && warnings.push(event.message);
  return { signal: new AbortController().signal, emit };
}

const encoded = (text: string): string => new TextEncoder().encode(text).toBase64();

function placesIn(
  path: string,
  variables: Readonly<Record<string, string>> = {},
): CredentialPlaces & { dockerConfig: string } {
  return { dockerConfig: path, environment: (name) => variables[name] };
}

Deno.test("findKey() takes the longest part of a place, keys with scheme and path, and every name of Docker Hub", () => {
  const keys = ["quay.io", "quay.io/team", "https://index.docker.io/v1/", "http://old.example.com/v2/", "a.b:5000"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["quay.io/team/app", "quay.io/team"],
    ["quay.io/teams/app", "quay.io"],
    ["docker.io/library/app", "https://index.docker.io/v1/"],
    ["docker.io", "https://index.docker.io/v1/"],
    ["old.example.com/x", "http://old.example.com/v2/"],
    ["a.b:5000/x", "a.b:5000"],
    ["a.b/x", undefined],
  ];
  for (const [place, key] of cases) assertEquals([place, findKey(keys, place)], [place, key]);
});

Deno.test("readAuthEntry() reads what docker, podman and old clients write, and nothing from damaged entries", () => {
  assertEquals(readAuthEntry({ auth: encoded("ann:pa:ss") }), { username: "ann", secret: "pa:ss" });
  assertEquals(readAuthEntry({ auth: encoded("änn:ü\0\0") }), { username: "änn", secret: "ü" });
  assertEquals(readAuthEntry({ username: "ann", password: "p" }), { username: "ann", secret: "p" });
  assertEquals(readAuthEntry({ auth: encoded("x:"), identitytoken: "t" }), { username: "", secret: "t" });
  for (const broken of [{}, { auth: "" }, { auth: "%%" }, { auth: encoded("nocolon") }, null, "x"]) {
    assertEquals(readAuthEntry(broken), undefined);
  }
});

Deno.test("findCredential() asks the environment, the named file, docker's config and podman's file, in that order", async () => {
  await using folder = await tempFolder();
  const logins = (name: string, ...hosts: string[]): string =>
    JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth: encoded(`${name}:x`) }])) });
  await folder.write({
    "named.json": logins("named", "a.io", "b.io"),
    "docker/config.json": logins("docker", "a.io", "b.io", "c.io"),
    "run/containers/auth.json": logins("podman", "a.io", "b.io", "c.io", "d.io/team"),
  });
  const places = placesIn(`${folder.path}/docker`, {
    DOCKER_AUTH_CONFIG: logins("inline", "a.io"),
    REGISTRY_AUTH_FILE: `${folder.path}/named.json`,
    XDG_RUNTIME_DIR: `${folder.path}/run`,
  });
  const found = [];
  for (const place of ["a.io", "b.io/x", "c.io", "d.io/team/app", "d.io/other"]) {
    found.push((await findCredential(places, place, quiet()))?.username);
  }
  assertEquals(found, ["inline", "named", "docker", "podman", undefined]);
});

Deno.test("findCredential() passes over what it cannot read, and never shows what is in it", async () => {
  await using folder = await tempFolder();
  await folder.write({ "config.json": '{"auths": {"a.io": {"auth": "c2VjcmV0"}' });
  const warnings: string[] = [];
  const places = placesIn(folder.path, { DOCKER_AUTH_CONFIG: '{"auths":{"a.io":{"auth":"' + encoded("u:p") + '"}}}' });
  assertEquals((await findCredential(places, "a.io", quiet(warnings)))?.username, "u");
  assertEquals(await findCredential(places, "b.io", quiet(warnings)), undefined);
  assertEquals(warnings.length, 1);
  assert(!warnings.join().includes("c2VjcmV0"));
});

Deno.test("storeCredential() writes a file for its owner only and keeps what else is in it", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/new/config.json`;
  const places = placesIn(`${folder.path}/new`);
  const host = "a.io:5000";
  assertEquals(await storeCredential(places, { host, credential: { username: "u", secret: "p" } }, quiet()), {
    file: path,
  });
  if (Deno.build.os !== "windows") assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  assertEquals(await findCredential(places, host, quiet()), { username: "u", secret: "p" });
  const before = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...before, proxies: { default: {} }, detachKeys: "x" }));
  await storeCredential(places, { host: "docker.io", credential: { username: "", secret: "token" } }, quiet());
  const after = JSON.parse(await Deno.readTextFile(path));
  assertEquals(Object.keys(after), ["auths", "proxies", "detachKeys"]);
  assertEquals(Object.keys(after.auths), [host, "https://index.docker.io/v1/"]);
  assertEquals(await findCredential(places, "docker.io/library/app", quiet()), { username: "", secret: "token" });
  assertEquals(await eraseCredential(places, "index.docker.io", quiet()), true);
  assertEquals(await eraseCredential(places, "index.docker.io", quiet()), false);
  assertEquals([...Deno.readDirSync(`${folder.path}/new`)].map(({ name }) => name), ["config.json"]);
});

/** A helper that keeps logins in a folder. */
const helper = `#!/bin/sh
dir=$(dirname "$0")/kept; mkdir -p "$dir"
case $1 in
get) key=$(cat | tr -c 'a-z0-9' _); [ -f "$dir/$key" ] && cat "$dir/$key" || { echo "credentials not found in native keychain"; exit 1; } ;;
store) text=$(cat); key=$(echo "$text" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' | tr -d '\\n' | tr -c 'a-z0-9' _); echo "$text" > "$dir/$key" ;;
erase) key=$(cat | tr -c 'a-z0-9' _); [ -f "$dir/$key" ] && rm "$dir/$key" || { echo "credentials not found in native keychain"; exit 1; } ;;
esac
`;

Deno.test({
  name: "credentials go through the helper that docker's config names, and a missing one is a warning",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    await using folder = await tempFolder();
    await folder.write({
      "bin/docker-credential-test": helper,
      "config.json": JSON.stringify({ credsStore: "missing", credHelpers: { "a.io": "test" } }),
    });
    await Deno.chmod(`${folder.path}/bin/docker-credential-test`, 0o755);
    const path = Deno.env.get("PATH") ?? "";
    Deno.env.set("PATH", `${folder.path}/bin:${path}`);
    try {
      const places = placesIn(folder.path);
      assertEquals(await findCredential(places, "a.io/x", quiet()), undefined);
      const credential = { username: "", secret: "identity" };
      assertEquals(await storeCredential(places, { host: "a.io", credential }, quiet()), { helper: "test" });
      assertEquals(await findCredential(places, "a.io/x", quiet()), credential);
      assert(!(await Deno.readTextFile(`${folder.path}/config.json`)).includes("identity"));
      assertEquals(await eraseCredential(places, "a.io", quiet()), true);
      assertEquals(await findCredential(places, "a.io", quiet()), undefined);
      const warnings: string[] = [];
      assertEquals(await findCredential(places, "b.io", quiet(warnings)), undefined);
      assertEquals(warnings, ['Cannot run "docker-credential-missing": not installed']);
    } finally {
      Deno.env.set("PATH", path);
    }
  },
});
