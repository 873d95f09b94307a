/** Services as they are built in earnest: nginx from Debian's packages, and a server in Node with what npm installs. They are built, run, and built again. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { runPeer } from "../helpers/program.ts";
import { isMissing, isUnreachable, peers } from "../helpers/require.ts";
import { type BuildOutput, makeRunPlace, type RunBuild, type RunPlace } from "../helpers/run_place.ts";
import { findMirror, makeDebianTar, makeNodeTar, reachMirror, writeHostSettings } from "../helpers/service_bases.ts";

const needs = ["root", containerPeers.busybox, containerPeers.crun, containerPeers.runc, peers.podman] as const;
const debootstrap = { program: "debootstrap", debianPackage: "debootstrap" };
const npm = { program: "npm", debianPackage: "npm" };

/** Builds and fails unless it works and builds just these steps, named by how they begin. */
async function buildJust(
  place: RunPlace,
  text: string,
  { steps, ...how }: RunBuild & { readonly steps: readonly string[] },
): Promise<BuildOutput> {
  const output = await place.build(text, how);
  assertEquals(output.code, 0, output.stderr);
  const names = output.built.map((name) => steps.find((step) => name.startsWith(step)) ?? name);
  assertEquals([...new Set(names)].sort(), [...steps].sort());
  return output;
}

/** Runs an image by podman, without a network, and gives what it answers on the socket `/run/service/socket`. */
async function ask(place: RunPlace, image: string, path: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "strata-podman-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const podman = (...args: string[]): Promise<string> =>
    runPeer(
      "podman",
      ...["--root", `${folder}/root`, "--runroot", `${folder}/run`, "--tmpdir", `${folder}/tmp`],
      ...[
        "--storage-driver",
        "overlay",
        "--cgroup-manager",
        "cgroupfs",
        "--runtime",
        "runc",
        "--events-backend",
        "file",
      ],
      ...args,
    );
  await place.strata("save", "-o", `${folder}/image.tar`, image);
  await podman("load", "-q", "-i", `${folder}/image.tar`);
  await Deno.mkdir(`${folder}/service`);
  await Deno.chmod(`${folder}/service`, 0o777);
  await podman(
    "run",
    "-d",
    "--name",
    "service",
    "--network",
    "none",
    ...["nofile=1024:1024", "nproc=1024:1024"].flatMap((limit) => ["--ulimit", limit]),
    "-v",
    `${folder}/service:/run/service`,
    `docker.io/library/${image}`,
  );
  stack.defer(async () => {
    await podman("rm", "-f", "-t", "0", "service");
    // What podman mounted for itself.
    await runPeer("sh", "-c", 'grep -o "$0/root/overlay" /proc/self/mountinfo | sort -u | xargs -r umount', folder);
  });
  return await requestOnce(`${folder}/service/socket`, path, () => podman("logs", "service"));
}

async function requestOnce(socket: string, path: string, logs: () => Promise<string>): Promise<string> {
  const until = performance.now() + 20_000;
  while (true) {
    try {
      using connection = await Deno.connect({ transport: "unix", path: socket });
      await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\nHost: service\r\n\r\n`));
      let text = "";
      for await (const chunk of connection.readable.pipeThrough(new TextDecoderStream())) text += chunk;
      return text;
    } catch (error) {
      if (performance.now() > until) throw new Error(`no answer: ${await logs()}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const nginx = [
  "FROM debian:minbase",
  "RUN printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d",
  "RUN --mount=from=host,target=/host --mount=type=cache,target=/var/cache/apt,sharing=locked" +
  " --mount=type=cache,target=/var/lib/apt,sharing=locked <<EOF",
  "set -e",
  "export APT_CONFIG=/host/apt.conf DEBIAN_FRONTEND=noninteractive",
  "apt-get update -q",
  "apt-get install -y -q nginx-light",
  "rm -f /var/log/*.log /var/log/apt/* /etc/nginx/sites-enabled/default",
  "EOF",
  "RUN nginx -v && getent passwd www-data",
  "COPY nginx.conf /etc/nginx/",
  "COPY index.html /srv/",
  'CMD ["nginx", "-g", "daemon off;"]',
].join("\n");

const nginxFiles = {
  "nginx.conf":
    "events {}\nerror_log stderr;\nhttp { access_log off; server { listen unix:/run/service/socket; root /srv; } }\n",
  "index.html": "<p>Built by strata</p>\n",
};

Deno.test({
  name: "a service of Debian packages is built, answers, and is built again only where it changed",
  ignore: isMissing(...needs, debootstrap) || await isUnreachable("a Debian mirror", reachMirror),
  fn: async () => {
    await using place = await makeRunPlace();
    await makeDebianTar(`${place.path}/debian.tar`);
    await place.strata("import", `${place.path}/debian.tar`, "debian:minbase");
    await Deno.remove(`${place.path}/debian.tar`);
    await writeHostSettings(`${place.path}/host`);
    const flags = ["-t", "nginx:1", "--build-context", `host=${place.path}/host`];
    const [policy, apt, look, conf, page] = [
      "RUN printf",
      "RUN --mount",
      "RUN nginx",
      "COPY nginx.conf",
      "COPY index.html",
    ] as const;
    const first = await buildJust(place, nginx, { files: nginxFiles, flags, steps: [policy, apt, look, conf, page] });
    assertStringIncludes(first.said, "nginx version");
    assertStringIncludes(await ask(place, "nginx:1", "/"), "Built by strata");
    const second = await buildJust(place, nginx, { files: nginxFiles, flags, steps: [] });
    assertEquals(second.id, first.id);
    const files = { ...nginxFiles, "index.html": "<p>Changed</p>\n" };
    await buildJust(place, nginx, { files, flags, steps: [page] });
    // Packages that were downloaded are not downloaded again.
    const more = nginx.replace("nginx-light", "nginx-light netbase");
    const third = await buildJust(place, more, { files, flags, steps: [apt, look, conf, page] });
    assertStringIncludes(third.said, "netbase");
    assert(!/^Get:\d+ \S+ \S+ \S+ nginx-light /m.test(third.said), third.said);
    await findMirror().then(({ uri }) => {
      assert(!new TextDecoder("latin1").decode(Deno.readFileSync(`${place.options.root}/store.db`)).includes(uri));
    });
  },
});

const server = [
  "FROM node:host AS build",
  "WORKDIR /app",
  "COPY package.json package-lock.json ./",
  "RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca,target=/ca.crt" +
  " NODE_EXTRA_CA_CERTS=/ca.crt npm ci --no-audit --no-fund",
  "COPY server.js ./",
  "RUN node --check server.js && ls node_modules",
  "FROM node:host",
  "WORKDIR /app",
  "COPY --from=build /app /app",
  "USER node",
  "RUN id -u >/tmp/id",
  'CMD ["node", "server.js"]',
].join("\n");

const serverScript = (word: string): string =>
  `const ms = require("ms");
require("http").createServer((request, response) => response.end("${word} " + ms("2 days") + " " + process.getuid()))
  .listen("/run/service/socket");
`;

Deno.test({
  name: "a service in Node with packages of npm is built, answers, and is built again only where it changed",
  ignore: isMissing(...needs, npm) ||
    await isUnreachable("a registry of npm", () => runPeer("npm", "view", "ms", "version")),
  fn: async () => {
    await using place = await makeRunPlace();
    await makeNodeTar(`${place.path}/node.tar`);
    await place.strata("import", "-c", "ENV PATH=/usr/bin:/bin", `${place.path}/node.tar`, "node:host");
    await Deno.remove(`${place.path}/node.tar`);
    await writeHostSettings(`${place.path}/host`);
    const lock = async (dependencies: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
      const folder = await Deno.makeTempDir({ dir: place.path });
      const text = JSON.stringify({ name: "service", version: "1.0.0", private: true, dependencies });
      await Deno.writeTextFile(`${folder}/package.json`, text);
      await runPeer("npm", "install", "--package-lock-only", "--no-audit", "--no-fund", "--prefix", folder);
      return { "package.json": text, "package-lock.json": await Deno.readTextFile(`${folder}/package-lock.json`) };
    };
    const rc = (await Promise.all(["/etc/npmrc", `${Deno.env.get("HOME")}/.npmrc`].map((path) =>
      Deno.readTextFile(path).catch(() =>
        ""
      )
    )))
      .join("\n");
    await Deno.writeTextFile(
      `${place.path}/npmrc`,
      `${rc}\nregistry=${(await runPeer("npm", "config", "get", "registry")).trim()}\n`,
    );
    const flags = [
      ...[
        "-t",
        "server:1",
        "--secret",
        `id=npmrc,src=${place.path}/npmrc`,
        "--secret",
        `id=ca,src=${place.path}/host/ca.crt`,
      ],
      ...["http_proxy", "https_proxy", "no_proxy"].flatMap((name) => Deno.env.has(name) ? ["--build-arg", name] : []),
    ];
    const files = { ...await lock({ ms: "2.1.3" }), "server.js": serverScript("hello") };
    const [workdir, packages, install, script, check, copy, user] = [
      ...["WORKDIR /app", "COPY package.json", "RUN --mount", "COPY server.js", "RUN node"],
      ...["COPY --from", "RUN id"],
    ] as const;
    const steps = [workdir, packages, install, script, check, copy, user].map((step) => step ?? "");
    const first = await buildJust(place, server, { files, flags, steps });
    assertStringIncludes(await ask(place, "server:1", "/"), "hello 172800000 1000");
    assertEquals((await buildJust(place, server, { files, flags, steps: [] })).id, first.id);
    const changed = { ...files, "server.js": serverScript("changed") };
    await buildJust(place, server, { files: changed, flags, steps: steps.slice(3) });
    const updated = { ...changed, ...await lock({ ms: "2.1.2", "is-number": "7.0.0" }) };
    const last = await buildJust(place, server, { files: updated, flags, steps: steps.slice(1) });
    assertStringIncludes(last.said, "is-number\nms\n");
  },
});
