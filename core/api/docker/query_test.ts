import { assertEquals, assertStringIncludes } from "@std/assert";
import { Hono } from "hono";
import type { ApiEnv } from "../context.ts";
import { readBuildQuery } from "./build_query.ts";
import { showDockerError } from "./error.ts";
import { toEngineError } from "../status.ts";
import { filterTexts, isOn, readFilters, readNumber, readPlatform } from "./query.ts";

async function ask(route: (c: Parameters<typeof isOn>[0]) => unknown, query: string): Promise<unknown> {
  const app = new Hono<ApiEnv>().get("/", (c) => c.json(route(c) ?? null));
  app.onError((error, c) => showDockerError(toEngineError(error, c.req.raw.signal), c));
  const response = await app.request(`/?${query}`);
  const body = await response.json();
  return response.ok ? body : `${response.status} ${body.message}`;
}

Deno.test("isOn() takes everything for on but the words that docker takes for off", async () => {
  for (const value of ["1", "true", "t", "yes", "x"]) assertEquals(await ask((c) => isOn(c, "a"), `a=${value}`), true);
  for (const value of ["", "0", "no", "false", "none", "False"]) {
    assertEquals(await ask((c) => isOn(c, "a"), `a=${value}`), false, value);
  }
  assertEquals(await ask((c) => isOn(c, "a"), ""), false);
});

Deno.test("readNumber() and readPlatform() refuse what is none", async () => {
  assertEquals(await ask((c) => readNumber(c, "n"), "n=12"), 12);
  assertEquals(await ask((c) => readNumber(c, "n"), "n=0"), null);
  assertStringIncludes(String(await ask((c) => readNumber(c, "n"), "n=1e9")), "400 invalid value for n");
  assertEquals(await ask((c) => readPlatform(c), "platform=linux/arm64"), { os: "linux", architecture: "arm64" });
  const json = encodeURIComponent('{"os":"linux","architecture":"arm","variant":"v7"}');
  assertEquals(await ask((c) => readPlatform(c), `platform=${json}`), {
    os: "linux",
    architecture: "arm",
    variant: "v7",
  });
  assertStringIncludes(String(await ask((c) => readPlatform(c), "platform=%00")), "400 ");
});

Deno.test("readFilters() takes both forms of docker's filters and refuses the rest", async () => {
  const read = (text: string): Promise<unknown> =>
    ask((c) => filterTexts(readFilters(c, ["label", "until"])), `filters=${encodeURIComponent(text)}`);
  assertEquals(await read('{"label":{"a=b":true,"c":false},"until":["1h"]}'), ["label=a=b", "until=1h"]);
  assertEquals(await read('{"__proto__":["x"]}'), "400 invalid filter '__proto__'");
  for (const text of ["x", "[]", "null", '{"label":1}', '{"label":[1]}']) {
    assertEquals(await read(text), "400 invalid filter", text);
  }
  assertEquals(await read('{"size":["1"]}'), "400 invalid filter 'size'");
});

Deno.test("readBuildQuery() reads what docker build sends", async () => {
  const query = new URLSearchParams({
    dockerfile: "sub/Other",
    q: "1",
    nocache: "1",
    pull: "0",
    rm: "1",
    buildid: "b1",
    target: "web",
    platform: "linux/arm64",
    buildargs: '{"A":"1","B":null}',
    labels: '{"x":"y"}',
    networkmode: "none",
    extrahosts: "a:10.0.0.1",
    memory: "67108864",
    shmsize: "1048576",
    memswap: "0",
    cpuquota: "50000",
    cpuperiod: "100000",
    ulimits: '[{"Name":"nofile","Soft":10,"Hard":20}]',
    cachefrom: '["app:1"]',
    version: "1",
  });
  query.append("t", "app:1");
  query.append("t", "quay.io/team/app");
  const read = await ask((c) => readBuildQuery(c, new ReadableStream()), query.toString());
  assertEquals(read, {
    isQuiet: true,
    id: "b1",
    input: {
      context: { type: "tar", stream: {}, isFiltered: true },
      file: { type: "context", path: "sub/Other" },
      tags: ["docker.io/library/app:1", "quay.io/team/app:latest"],
      args: { A: "1" },
      labels: { x: "y" },
      noCache: true,
      pull: false,
      target: "web",
      platforms: [{ os: "linux", architecture: "arm64" }],
      run: {
        network: "none",
        hosts: [{ name: "a", address: "10.0.0.1" }],
        ulimits: [{ name: "nofile", soft: 10, hard: 20 }],
        memoryBytes: 67108864,
        shmBytes: 1048576,
        cpus: 0.5,
      },
    },
  });
});

Deno.test("readBuildQuery() refuses what cannot be done, and never reads a folder of this machine", async () => {
  const refusals: Readonly<Record<string, string>> = {
    "t=UP": "400 invalid reference format: repository name (library/UP) must be lowercase",
    [`t=a@sha256:${"0".repeat(64)}`]: "400 build tag cannot contain a digest",
    "remote=/etc": "400 remoteURL (/etc) could not be recognized as URL",
    "remote=file:///etc": "400 remoteURL (file:///etc) could not be recognized as URL",
    "remote=..": "400 remoteURL (..) could not be recognized as URL",
    "remote=client-session": "400 sessions are not supported",
    "version=2": "501 BuildKit is not supported",
    "squash=1": "400 squash is only supported with experimental mode",
    "securityopt=x": "400 security options are not supported on linux",
    "outputs=%5B%7B%22Type%22:%22tar%22%7D%5D": "501 outputs are not supported",
    "cpushares=5": '501 build option "cpushares" is not supported',
    "cpusetcpus=0": '501 build option "cpusetcpus" is not supported',
    "networkmode=container:x": '501 network mode "container:x" is not supported',
    "buildargs=x": "400 error reading build args",
    "buildargs=%7B%22a%22:1%7D": "400 error reading build args",
    "labels=%5B%5D": "400 error reading labels",
    "memory=x": "400 invalid value for memory",
    "ulimits=%5B%7B%22Name%22:%22x%22%7D%5D": '400 Cannot use --ulimit "x=0:0"',
    "extrahosts=a": "400 Cannot use --add-host",
  };
  for (const [query, expected] of Object.entries(refusals)) {
    const answer = String(await ask((c) => readBuildQuery(c, new ReadableStream()), query));
    assertEquals(answer.slice(0, expected.length), expected, query);
  }
});
