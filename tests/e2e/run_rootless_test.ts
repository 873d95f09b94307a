/** Commands run by a user who is not root give the images that they give when root runs them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerPeers, makeBusyboxRoot } from "../helpers/busybox_root.ts";
import { makePlainUser } from "../helpers/plain_user.ts";
import { runPeer } from "../helpers/program.ts";
import { isMissing } from "../helpers/require.ts";
import { runStrata, tempFolder } from "../helpers/strata.ts";

const needs = [
  "root",
  containerPeers.busybox,
  containerPeers.crun,
  { program: "newuidmap", debianPackage: "uidmap" },
  { program: "useradd", debianPackage: "passwd" },
] as const;

const dockerfile = `FROM base
RUN chmod 1777 /tmp && mkdir /srv && echo mine > /srv/root && echo theirs > /srv/user && chown 1234:4321 /srv/user && chmod 4750 /srv/user
RUN --mount=type=cache,target=/cache,uid=33 touch /cache/x && chown 44 /cache/x && ls -ln /cache > /srv/cache
USER 1234:4321
RUN id -u > /tmp/me && (cat /srv/root > /tmp/read || true)
USER 0
RUN rm -rf /tmp && mkdir /tmp && ln /srv/user /srv/link && mkfifo /srv/fifo
`;

Deno.test("a build by a user who is not root gives the image that root's build gives", {
  ignore: isMissing(...needs),
}, async () => {
  await using folder = await tempFolder();
  using busybox = makeBusyboxRoot();
  const base = `${folder.path}/base.tar`;
  await runPeer("ln", "-s", "busybox", `${busybox.path}/bin/mkfifo`);
  await runPeer("tar", "-C", busybox.path, "-cf", base, ".");
  await folder.write({ "src/Dockerfile": dockerfile });
  const root = { root: `${folder.path}/root`, env: { SOURCE_DATE_EPOCH: "1000000000" } };
  await using user = await makePlainUser();
  const theirBase = await user.give(base, "base.tar");
  const theirSource = await user.give(`${folder.path}/src`, "src");
  const ids: string[] = [];
  for (const strata of [(...args: string[]) => runStrata(root, ...args), user.strata]) {
    const isUser = strata === user.strata;
    const imported = await strata("import", isUser ? theirBase : base, "base");
    assertEquals(imported.code, 0, imported.stderr);
    const built = await strata("build", "-q", "-t", "app", isUser ? theirSource : `${folder.path}/src`);
    assertEquals(built.code, 0, built.stderr);
    const inspected = await strata("inspect", "-f", "{{json .RootFS.Layers}}", "app");
    ids.push(inspected.stdout);
  }
  assertEquals(ids[1], ids[0]);
  assertEquals(await Array.fromAsync(Deno.readDir(`${user.home}/root/runs`)), []);

  const pruned = await user.strata("cache", "prune", "-a", "-f");
  assertEquals(pruned.code, 0, pruned.stderr);
  const reset = await user.strata("system", "reset", "-f");
  assertEquals(reset.code, 0, reset.stderr);
});

Deno.test("a build by a user without ranges says what the host lacks", { ignore: isMissing(...needs) }, async () => {
  await using user = await makePlainUser();
  await runPeer("sh", "-c", "sed -i /^strata-test-user:/d /etc/subuid");
  await Deno.mkdir(`${user.home}/src`);
  await Deno.writeTextFile(`${user.home}/src/Dockerfile`, "FROM scratch\nCOPY Dockerfile /\nRUN true\n");
  const { code, stderr } = await user.strata("build", `${user.home}/src`);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "/etc/subuid");
  assertStringIncludes(stderr, "hint: Install uidmap");
  assert(!stderr.includes("    at "), stderr);
});
