/** Symlinks that an image, an earlier step or a cache mount has ready for what strata and a runtime write, mount and read: none leads out. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { isMissing } from "../helpers/require.ts";
import { baseMembers, baseName, type BuildOutput, makeRunPlace, type RunPlace } from "../helpers/run_place.ts";
import { member } from "../helpers/tar_bytes.ts";

const text = "of the host\n";

/** A place beside which the host has a folder that nobody may write to or read. */
async function makeWatchedPlace(): Promise<RunPlace & { readonly outside: string; checkOutside(): void }> {
  const place = await makeRunPlace();
  const outside = `${place.path}/outside`;
  Deno.mkdirSync(`${outside}/sub`, { recursive: true });
  Deno.writeTextFileSync(`${outside}/marker`, text);
  const state = (): unknown =>
    ["", "/sub", "/marker"].map((name) => {
      const { mode, uid, gid, mtime } = Deno.statSync(`${outside}${name}`);
      const names = name === "/marker" ? [] : Array.from(Deno.readDirSync(`${outside}${name}`), (entry) => entry.name);
      return [mode, uid, gid, mtime, names.sort()];
    });
  const before = state();
  const checkOutside = (): void => {
    assertEquals(state(), before);
    assertEquals(Deno.readTextFileSync(`${outside}/marker`), text);
  };
  return { ...place, outside, checkOutside };
}

const link = (name: string, target: string): Uint8Array => member({ name, type: "2", link: target });

/** Members of the base image but those of the names, and links in their place. */
function baseWith(links: Readonly<Record<string, string>>): readonly Uint8Array[] {
  const decoder = new TextDecoder();
  const nameOf = (bytes: Uint8Array): string => decoder.decode(bytes.subarray(0, 100)).replace(/\/?\0.*$/s, "");
  const isReplaced = (name: string): boolean =>
    Object.keys(links).some((key) => name === key || name.startsWith(`${key}/`));
  return [
    ...baseMembers().filter((bytes) => !isReplaced(nameOf(bytes))),
    ...Object.entries(links).map(([name, target]) => link(name, target)),
  ];
}

for (const runtime of ["crun", "runc", "chroot"] as const) {
  const program = runtime === "chroot" ? containerPeers.prlimit : containerPeers[runtime];
  const ignore = isMissing("root", containerPeers.busybox, program);
  const flags = ["--runtime", runtime];

  const test = (
    name: string,
    body: (place: Awaited<ReturnType<typeof makeWatchedPlace>>) => Promise<void>,
    isOfRuntime = true,
  ): void => {
    // What strata does before anything runs is the same with all.
    if (!isOfRuntime && runtime !== "crun") return;
    Deno.test({
      name: `${name} with ${runtime}`,
      ignore,
      fn: async () => {
        await using place = await makeWatchedPlace();
        await body(place);
        place.checkOutside();
      },
    });
  };

  test("files about the network go where links of the image lead inside of it", async (place) => {
    const up = "../".repeat(6);
    await place.importImage(
      "links:1",
      baseWith({
        "etc/hosts": `${up}${place.outside.slice(1)}/made`,
        "etc/resolv.conf": `${place.outside}/marker`,
        "etc/hostname": "/run/name",
      }),
    );
    const { code, said, stderr } = await place.build(
      [
        "FROM links:1 AS one",
        `RUN cat /etc/hostname; head -n 1 /etc/hosts ${place.outside}/made; echo x >>/etc/hosts; echo x >>/etc/resolv.conf`,
        `FROM ${baseName}`,
        "COPY --from=one / /one",
        "RUN find /one -name made -o -name marker -o -name name -o -name outside -o -name run",
      ].join("\n"),
      { flags },
    );
    const line = "127.0.0.1\tlocalhost strata";
    // What was mounted on did not stay in the layer.
    assertEquals(
      [code, said],
      [0, `strata\n==> /etc/hosts <==\n${line}\n\n==> ${place.outside}/made <==\n${line}\n`],
      stderr,
    );
  });

  test("a folder of the image may be a link", async (place) => {
    await place.importImage("links:1", baseWith({ etc: place.outside, root: "../../../.." }));
    const { code, said, stderr } = await place.build("FROM links:1\nRUN head -n 1 /etc/hosts; ls /etc", { flags });
    assertEquals([code, said], [0, "127.0.0.1\tlocalhost strata\nhostname\nhosts\nresolv.conf\n"], stderr);
  }, false);

  for (const name of ["proc", "sys", "dev"]) {
    test(`an image in which /${name} is a link is refused`, async (place) => {
      await place.importImage("links:1", baseWith({ [name]: place.outside }));
      const { code, stderr } = await place.build("FROM links:1\nRUN true", { flags });
      assertEquals(code, 1);
      assertStringIncludes(stderr, `error: Cannot run a command: "/${name}" of the image is a symlink`);
    }, false);
  }

  test("targets of mounts and the working directory follow links inside of the image", async (place) => {
    const { code, said, stderr } = await place.build(
      [
        `FROM ${baseName}`,
        `RUN ln -s ${place.outside} /away && ln -s ../../../../../../../..${place.outside}/sub /up`,
        "WORKDIR /away/work",
        "RUN --mount=type=secret,id=s,target=/away/secret --mount=type=tmpfs,target=/up/memory --mount=type=cache,target=/up/cache" +
        " --mount=source=.,target=/away/context,rw" +
        " touch made ../context/made ../secret2 /up/memory/made /up/cache/made; pwd; cat ../secret; ls ..",
      ].join("\n"),
      { flags: [...flags, "--secret", "id=s,env=WORD"], env: { WORD: "word\n" } },
    );
    assertEquals(
      [code, said],
      [0, `${place.outside}/work\nword\ncontext\nsecret\nsecret2\nsub\nwork\n`],
      stderr,
    );
    // What is written to a mounted context is lost.
    const [context] = Array.from(Deno.readDirSync(place.path), ({ name }) => name).filter((name) =>
      name.startsWith("context-")
    );
    assertEquals(Array.from(Deno.readDirSync(`${place.path}/${context}`), ({ name }) => name), ["Dockerfile"]);
  });

  test("nothing is mounted in what the kernel fills, whatever leads there", async (place) => {
    await place.importImage("links:1", baseWith({ "etc/resolv.conf": "/proc/1/root/etc/passwd" }));
    await place.importImage("more:1", baseWith({ self: "/proc/self", fs: "/sys/fs" }));
    const targets = [
      ["/etc/resolv.conf", "/proc"],
      ["/proc/self/fd", "/proc"],
      ["/self/fd", "/proc"],
      ["/proc", "/proc"],
      ["/fs/cgroup", "/sys"],
    ] as const;
    for (const [target, kernel] of targets) {
      const base = target.startsWith("/etc") ? "links:1" : "more:1";
      const { code, stderr } = await place.build(`FROM ${base}\nRUN --mount=type=tmpfs,target=${target} true`, {
        flags,
      });
      assertEquals(code, 1, target);
      assertStringIncludes(stderr, `Cannot mount at "${target}": it is in "${kernel}", which the kernel fills`);
    }
  }, false);

  test("a program of the host cannot be mounted over", async (place) => {
    const evil =
      `FROM ${baseName} AS evil\nCOPY --chmod=755 <<EOF /evil\n#!/bin/sh\necho >${place.outside}/sub/out\nEOF\n`;
    const attempt = async (before: string, mount: string, target: string): Promise<BuildOutput> =>
      await place.build(
        `${evil}FROM ${baseName}\nRUN ${mount} ${before}\nRUN ${mount} --mount=from=evil,source=/evil,target=${target} true`,
        { flags },
      );
    const cache = "--mount=type=cache,target=/c,id=links";
    // The OCI runtimes run nothing of the host later on.
    for (
      const tool of ["usr/bin/setpriv", ...(runtime === "chroot" ? ["usr/bin/env", "usr/bin/mount", "bin/sh"] : [])]
    ) {
      await attempt("true", "", `/proc/1/root/${tool}`);
      await attempt("ln -sfn / /c/l; ln -sfn ../../../../../../.. /c/u", cache, `/c/l/${tool}`);
      place.checkOutside();
    }
    // Where the kernel sees to it that a path stays inside, mounts may lie in each other.
    const nested = await attempt("mkdir -p /c/real", cache, "/c/real/evil");
    assertEquals(nested.code === 0, runtime !== "chroot", nested.stderr);
  });

  test("a source of a mount that is a link leads nowhere but into its own files", async (place) => {
    const files = `FROM ${baseName} AS files\nRUN mkdir -p /q /deep && ln -s ${place.outside} /a && ` +
      `ln -s ${place.outside}/marker /q/m && ln -s ../../../../../../..${place.outside} /deep/up && ln -s /q /ok\n`;
    for (const source of ["/a", "/q/m", "/deep/up", "/a/marker", "/deep/up/marker"]) {
      const { code, said, stderr } = await place.build(
        `${files}FROM ${baseName}\nRUN --mount=from=files,source=${source},target=/x ls -R /x; cat /x /x/marker`,
        { flags },
      );
      assertEquals(code, 1);
      assertStringIncludes(stderr, `Cannot mount "${source}" at "/x": not found`);
      assert(!said.includes(text.trim()));
    }
    const { said } = await place.build(
      `${files}FROM ${baseName}\nRUN --mount=from=files,source=/ok,target=/x,rw (cat /x/m; echo new >/x/m) 2>/dev/null; echo new >/x/n; ls /x`,
      { flags },
    );
    assertEquals(said, "m\nn\n");
  }, false);

  test("a cache is seeded and used by its own files when they are links", async (place) => {
    const { code, said, stderr } = await place.build(
      [
        `FROM ${baseName} AS seed`,
        `RUN mkdir /seed && ln -s ${place.outside} /seed/dir && ln -s ${place.outside}/marker /seed/file`,
        `FROM ${baseName}`,
        "RUN --mount=type=cache,target=/c,from=seed,source=/seed ls /c; cat /c/file /c/dir/marker; (echo x >/c/dir/new); (echo x >/c/file) || true",
        "RUN --mount=type=cache,target=/c/dir,id=/c --mount=type=cache,target=/other,id=/c ls /other /c/dir/",
      ].join("\n"),
      { flags },
    );
    assertEquals(code, 0, stderr);
    assert(!said.includes(text.trim()), said);
    await place.strata("cache", "export", "-o", `${place.path}/caches.tar`);
    await place.strata("cache", "import", "-q", "-i", `${place.path}/caches.tar`);
    await place.strata("cache", "prune", "-af");
  }, false);
}
