/** What is asked of a registry on the command line alone, against Debian's docker-registry. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeCertificate } from "../helpers/certificate.ts";
import { startRegistry } from "../helpers/registry_process.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, runStrata, type TempFolder, tempFolder } from "../helpers/strata.ts";

const ignore = isMissing(peers.dockerRegistry);

/** Writes an authority, a server's certificate of it, and a client's of it. */
async function writeCertificates(folder: TempFolder): Promise<Record<"ca" | "server" | "client", string>> {
  const ca = await makeCertificate({ name: "authority" });
  const server = await makeCertificate({ name: "server", issuer: ca, addresses: ["127.0.0.1"] });
  const client = await makeCertificate({ name: "client", issuer: ca });
  for (const [name, { cert, key }] of Object.entries({ ca, server, client })) {
    await folder.write({ [`${name}.pem`]: cert, [`${name}.key`]: key });
  }
  const at = (name: string): string => `${folder.path}/${name}`;
  return { ca: at("ca"), server: at("server"), client: at("client") };
}

Deno.test({
  name: "--ca, --cert and --key reach a registry that shows a certificate of its own and wants to see one",
  ignore,
}, async () => {
  await using folder = await tempFolder();
  const { ca, server, client } = await writeCertificates(folder);
  await using registry = await startRegistry({
    tls: { certificate: `${server}.pem`, key: `${server}.key`, clientAuthorities: `${ca}.pem` },
  });
  const strata = { root: `${folder.path}/root`, env: { DOCKER_CONFIG: `${folder.path}/docker` } };
  await folder.write({ "src/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n" });
  const name = `${registry.host}/team/app:v1`;
  await mustRun(strata, "build", "--quiet", "-t", name, `${folder.path}/src`);

  const trusting = ["--ca", `${ca}.pem`];
  const all = [...trusting, "--cert", `${client}.pem`, "--key", `${client}.key`];
  const unknown = await runStrata(strata, "push", name);
  assertEquals(unknown.code, 1);
  assertMatch(unknown.stderr, /certificate/i);
  const unseen = await runStrata(strata, "push", ...trusting, name);
  assertEquals(unseen.code, 1);
  const alone = await runStrata(strata, "push", "--cert", `${client}.pem`, name);
  assertEquals(alone.code, 2);
  assertStringIncludes(alone.stderr, "certificate and key go together");

  await mustRun(strata, "push", ...all, name);
  await mustRun(strata, "rmi", name);
  await mustRun(strata, "pull", ...all, name);
  assertEquals((await mustRun(strata, "tags", "ls", ...all, `${registry.host}/team/app`)).stdout, "v1\n");
  // Who does not look at certificates need not know the authority, but still has to show one.
  await mustRun(strata, "manifest", "inspect", "--insecure", ...all.slice(2), name);
});

Deno.test({ name: "flags for a registry hold for the host that a short name leads to", ignore }, async () => {
  await using folder = await tempFolder();
  const { ca, server } = await writeCertificates(folder);
  await using registry = await startRegistry({ tls: { certificate: `${server}.pem`, key: `${server}.key` } });
  await folder.write({
    "config.json": JSON.stringify({ aliases: { app: `${registry.host}/team/app` } }),
    "src/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
  });
  const env = { DOCKER_CONFIG: `${folder.path}/docker`, STRATA_CONFIG: `${folder.path}/config.json` };
  const strata = { root: `${folder.path}/root`, env };
  await mustRun(strata, "build", "--quiet", "-t", `${registry.host}/team/app:v1`, `${folder.path}/src`);
  await mustRun(strata, "push", "--ca", `${ca}.pem`, `${registry.host}/team/app:v1`);
  await mustRun(strata, "rmi", `${registry.host}/team/app:v1`);
  assertStringIncludes((await mustRun(strata, "pull", "--ca", `${ca}.pem`, "app:v1")).stdout, "Status: Downloaded");
});

Deno.test(
  { name: "copy --referrers takes along what cosign keeps in tags, and what names its subject", ignore },
  async () => {
    await using folder = await tempFolder();
    await using from = await startRegistry();
    await using to = await startRegistry();
    const strata = { root: `${folder.path}/root`, env: { DOCKER_CONFIG: `${folder.path}/docker` } };
    await folder.write({
      "src/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
      "sig/Dockerfile": "FROM scratch\nLABEL kind=signature\nCOPY Dockerfile /\n",
    });
    const app = `${from.host}/team/app`;
    await mustRun(strata, "build", "--quiet", "-t", `${app}:v1`, `${folder.path}/src`);
    await mustRun(strata, "push", `${app}:v1`);
    const digest = (await mustRun(strata, "manifest", "inspect", "--digest", `${app}:v1`)).stdout.trim();
    const tag = digest.replace(":", "-");
    await mustRun(strata, "build", "--quiet", "-t", `${app}:${tag}.sig`, `${folder.path}/sig`);
    await mustRun(strata, "push", `${app}:${tag}.sig`);

    const tags = async (...flags: readonly string[]): Promise<string> => {
      const target = `${to.host}/copy/${flags.length}`;
      await mustRun(strata, "copy", ...flags, `registry:${app}:v1`, `registry:${target}:v1`);
      return (await mustRun(strata, "tags", "ls", target)).stdout;
    };
    assertEquals(await tags(), "v1\n");
    assertEquals(await tags("--referrers"), `${tag}.sig\nv1\n`);
  },
);
