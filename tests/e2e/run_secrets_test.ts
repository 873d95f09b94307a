/** Secrets and agents: a command has what it was given, nobody else does, and nothing of it stays, however the build ends. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { isMissing } from "../helpers/require.ts";
import { baseName, makeRunPlace, readBuild, type RunPlace } from "../helpers/run_place.ts";

/** Paths below a folder of files that hold one of the texts, as it is or in base64. */
function findTexts(folder: string, texts: readonly string[]): readonly string[] {
  const forms = texts.flatMap((text) => [text, btoa(text).slice(0, -4)]);
  const found: string[] = [];
  const decoder = new TextDecoder("latin1");
  const search = (path: string): void => {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(path)) {
      const child = `${path}/${name}`;
      if (isDirectory) search(child);
      else if (isFile) {
        const content = decoder.decode(Deno.readFileSync(child));
        if (forms.some((form) => content.includes(form))) found.push(child);
      }
    }
  };
  search(folder);
  return found;
}

/** Arguments of the processes of this host that hold one of the texts. */
function findArguments(texts: readonly string[]): readonly string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      return texts.some((text) => line.includes(text)) ? [line.replaceAll("\0", " ")] : [];
    } catch {
      return [];
    }
  });
}

const uses = [
  "--mount=type=secret,id=file",
  "--mount=type=secret,id=file,target=/elsewhere/secret,mode=0444,uid=1000",
  "--mount=type=secret,id=file,env=FROM_FILE",
  "--mount=type=secret,id=value,env=FROM_VALUE,target=/value",
  "--mount=type=secret,id=absent,env=ABSENT",
  "--mount=type=cache,target=/cache",
].join(" ");
const looks = 'echo ${#FROM_FILE} ${#FROM_VALUE} $(wc -c </run/secrets/file) $(wc -c </value) "<$ABSENT>"';

for (const runtime of ["crun", "runc", "chroot"] as const) {
  const program = runtime === "chroot" ? containerPeers.prlimit : containerPeers[runtime];
  const ignore = isMissing("root", containerPeers.busybox, program);

  /** Builds with two secrets and checks that they are nowhere while and after it does. */
  const test = (
    name: string,
    body: (place: RunPlace, flags: readonly string[], env: Record<string, string>) => Promise<string>,
  ): void =>
    Deno.test({
      name: `a secret is nowhere after ${name} with ${runtime}`,
      ignore,
      fn: async () => {
        await using place = await makeRunPlace();
        const texts = [`first-${crypto.randomUUID()}`, `second-${crypto.randomUUID()}`];
        const [first = "", second = ""] = texts;
        await using _ = { [Symbol.asyncDispose]: () => Deno.remove(`${place.path}-secret`) };
        await Deno.writeTextFile(`${place.path}-secret`, first);
        const flags = [
          "--runtime",
          runtime,
          "--no-cache",
          "--secret",
          `id=file,src=${place.path}-secret`,
          "--secret",
          "id=value,env=WORD",
        ];
        const printed = await body(place, [...flags, "-t", "made:1"], { WORD: second });
        assert(!texts.some((text) => printed.includes(text)), printed);
        assertEquals(findTexts(place.path, texts), []);
        assertEquals(findArguments(texts), []);
      },
    });

  test("a build", async (place, flags, env) => {
    const { code, said, stderr, stdout } = await place.build(
      `FROM ${baseName}\nRUN ${uses} ${looks}; stat -c '%a %u' /run/secrets/file /elsewhere/secret\n` +
        "RUN ls /run /elsewhere /value 2>&1; env; echo made >/made",
      { flags: [...flags, "--metadata-file", `${place.path}/metadata`], env },
    );
    assertEquals(code, 0, stderr);
    assertMatch(said, /^42 43 42 43 <>\n400 0\n444 1000\n(ls: .*No such file or directory\n){3}/);
    assert(!said.includes("FROM_"), said);
    const shown = await Promise.all([
      place.strata("image", "history", "--no-trunc", "made:1"),
      place.strata("image", "inspect", "made:1"),
      place.strata("cache", "ls"),
      place.strata("save", "-o", `${place.path}/saved.tar`, "made:1"),
    ]);
    return stdout + stderr + shown.map((each) => each.stdout + each.stderr).join("");
  });

  test("a build that fails", async (place, flags, env) => {
    const { code, stdout, stderr } = await place.build(`FROM ${baseName}\nRUN ${uses} ${looks}; exit 3`, {
      flags,
      env,
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "exit code 3");
    return stdout + stderr;
  });

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    test(`a build that ${signal} ends, nor while it runs`, async (place, flags, env) => {
      const started = await (async () => {
        await using build = place.start(`FROM ${baseName}\nRUN ${uses} ${looks}; echo ready; sleep 600`, {
          flags,
          env,
        });
        await build.seen(/^#\d+ \S+ ready$/m);
        const texts = [Deno.readTextFileSync(`${place.path}-secret`), env["WORD"] ?? ""];
        assertEquals(findTexts(place.path, texts), []);
        assertEquals(findArguments(texts), []);
        build.signal(signal);
        return readBuild(await build.ended());
      })();
      assertStringIncludes(started.said, "42 43 42 43 <>\n");
      const { code, stderr } = await place.build(`FROM ${baseName}\nRUN ${uses} ${looks}`, { flags, env });
      assertEquals(code, 0, stderr);
      assertEquals(Array.from(Deno.readDirSync(`${place.options.root}/runs`)), []);
      return started.stdout + started.stderr + stderr;
    });
  }

  Deno.test({
    name: `an SSH agent is there for the step that asks for it only with ${runtime}`,
    ignore,
    fn: async () => {
      await using place = await makeRunPlace();
      const path = `${place.path}/agent.sock`;
      using agent = Deno.listen({ transport: "unix", path });
      const connections: Promise<void> = (async () => {
        for await (const connection of agent) {
          await connection.write(new TextEncoder().encode("agent"));
          connection.close();
        }
      })().catch(() => {});
      await using build = place.start(
        [
          `FROM ${baseName} AS with`,
          'RUN --mount=type=ssh,uid=1000,mode=0640 stat -c "%F %a %u $SSH_AUTH_SOCK" $SSH_AUTH_SOCK; while [ ! -e /stop ]; do sleep 0.1; done',
          `FROM ${baseName}`,
          'RUN echo "<$SSH_AUTH_SOCK>"; find / -type s 2>/dev/null; ls /run; grep -c agent /proc/mounts; echo other; sleep 600',
          "COPY --from=with /stop /",
        ].join("\n"),
        { flags: ["--runtime", runtime, "--jobs=4", "--ssh", `default=${path}`] },
      );
      await build.seen(/^#\d+ \S+ other$/m);
      await build.seen(/^#\d+ \S+ socket/m);
      const runs = `${place.options.root}/runs`;
      const sockets = Array.from(Deno.readDirSync(runs), ({ name }) => `${runs}/${name}/agent-0`).filter(isThere);
      assertEquals(sockets.length, 1);
      const connection = await Deno.connect({ transport: "unix", path: sockets[0] ?? "" });
      assertEquals(await new Response(connection.readable).text(), "agent");
      build.signal("SIGINT");
      const { said } = readBuild(await build.ended());
      assertStringIncludes(said, "socket 640 1000 /run/buildkit/ssh_agent.0\n");
      assertMatch(said.replace(/^socket .*\n/m, ""), /^<>\n(ls: .*\n)?0\nother$/m);
      assertEquals(Array.from(Deno.readDirSync(runs)), []);
      agent.close();
      await connections;
    },
  });
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "a secret that is a link, a folder or missing is refused with its name, never its content",
  ignore: isMissing("root", containerPeers.busybox, containerPeers.crun),
  fn: async () => {
    await using place = await makeRunPlace();
    const word = `word-${crypto.randomUUID()}`;
    const build = async (...flags: string[]): Promise<string> => {
      const { code, stderr } = await place.build(
        `FROM ${baseName}\nRUN --mount=type=secret,id=s,required true`,
        { flags: ["--runtime=crun", ...flags], env: { WORD: word } },
      );
      assert(code !== 0 && !stderr.includes(word), stderr);
      return stderr;
    };
    assertStringIncludes(await build(), 'Cannot mount secret "s": it was not given');
    assertStringIncludes(await build("--secret", `id=s,src=${place.path}`), '"s"');
    assertStringIncludes(await build("--secret", `id=s,src=${place.path}/absent`), '"s"');
    assertStringIncludes(await build("--secret", "id=other,env=WORD"), 'Cannot mount secret "s": it was not given');
  },
});
