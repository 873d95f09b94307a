/** Layers that want to write outside the directory they are unpacked in, or to have the kernel read something else; with both snapshotters. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerPeers } from "../helpers/busybox_root.ts";
import { isMissing } from "../helpers/require.ts";
import { attributed, baseMembers, makeRunPlace, type RunPlace } from "../helpers/run_place.ts";
import { member, paxMember } from "../helpers/tar_bytes.ts";

const ignore = isMissing("root", containerPeers.busybox, containerPeers.crun);

const file = (name: string, text = "of the layer\n"): Uint8Array => member({ name }, text);
const link = (name: string, target: string): Uint8Array => member({ name, type: "2", link: target });
const hardlink = (name: string, target: string): Uint8Array => member({ name, type: "1", link: target });
const device = (name: string, type: "3" | "4", major: number, minor: number): Uint8Array =>
  member({ name, type, mode: "0000666\0", major: major.toString(8), minor: minor.toString(8) });

/** A place with a file of the host beside it that must stay as it is. */
async function makeWatchedPlace(): Promise<RunPlace & { readonly outside: string; check(): void }> {
  const place = await makeRunPlace();
  const outside = `${place.path}/outside`;
  Deno.mkdirSync(outside);
  Deno.writeTextFileSync(`${outside}/marker`, "of the host\n");
  const before = Deno.statSync(`${outside}/marker`);
  const check = (): void => {
    assertEquals(Array.from(Deno.readDirSync(outside), ({ name }) => name), ["marker"]);
    assertEquals(Deno.readTextFileSync(`${outside}/marker`), "of the host\n");
    const { mode, uid, nlink, mtime, ctime } = Deno.statSync(`${outside}/marker`);
    assertEquals([mode, uid, nlink, mtime, ctime], [before.mode, before.uid, before.nlink, before.mtime, before.ctime]);
  };
  return { ...place, outside, check };
}

/** A sparse file of GNU tar's own format, all hole but for its last bytes. */
function sparse(name: string, size: number, end: string): Uint8Array {
  const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;
  const at = { 386: octal(size - end.length), 398: octal(end.length), 483: octal(size) };
  return member({ name, type: "S", magic: "ustar  \0", prefix: "", at, size: end.length }, end);
}

for (const kind of ["overlay", "copy"] as const) {
  const flags = ["--runtime=crun", `--snapshotter=${kind}`];

  Deno.test({
    name: `a layer is unpacked inside its directory, whatever its names and links say, as ${kind}`,
    ignore,
    fn: async () => {
      await using place = await makeWatchedPlace();
      const { outside } = place;
      const up = "../".repeat(6);
      const loaded = await place.loadImage("hostile:1", [baseMembers(), [
        file(`${outside}/absolute`),
        link("to-dir", outside),
        file("to-dir/through-link"),
        link("up", `${up}${outside.slice(1)}`),
        file("up/marker", "another\n"),
        link("to-file", `${outside}/marker`),
        file("to-file"),
        link("linked", `${outside}/marker`),
        hardlink("linked-too", "linked"),
        file("linked-too"),
        member({ name: "twice/", type: "5", mode: "0000755\0" }),
        file("twice/inner"),
        link("twice", outside),
        file("twice/second"),
        file("again", "first\n"),
        file("again", "second\n"),
        device("log", "3", 1, 11),
        device("disk", "4", 254, 0),
        link("hiding", outside),
        file("hiding/.wh.marker", ""),
        file("hiding/.wh..wh..opq", ""),
        file("proc/1/root/tmp/x"),
        file("dev/null"),
      ]]);
      assertEquals(loaded.code, 0, loaded.stderr);
      const { code, said, stderr } = await place.build(
        [
          "FROM hostile:1",
          `RUN ls ${outside}; cat ${outside}/marker /to-file /linked-too /again; readlink /linked; readlink /twice`,
          "RUN for node in /log /disk; do [ -e $node ] && ! (true >$node) && echo closed; done 2>/dev/null",
          "RUN [ -c /dev/null ] && ls /proc/1/root/tmp/x /twice/inner; echo x >/to-dir/written",
        ].join("\n"),
        { flags },
      );
      assertEquals(code, 0, stderr);
      assertEquals(
        said.split("\n").filter((line) => !line.startsWith("ls: ")).join("\n"),
        [
          ...["absolute", "marker", "second", "through-link"],
          ...["another", "of the layer", "of the layer", "second"],
          ...[`${outside}/marker`, outside, "closed", "closed", ""],
        ].join("\n"),
      );
      assertEquals(said.match(/^ls: \S+/gm)?.sort(), ["ls: /proc/1/root/tmp/x:", "ls: /twice/inner:"]);
      place.check();
    },
  });

  Deno.test({
    name: `attributes of a layer do not tell the overlay file system what to do, as ${kind}`,
    ignore,
    fn: async () => {
      await using place = await makeWatchedPlace();
      const overlay = (prefix: string): Record<string, string> => ({
        [`${prefix}.overlay.opaque`]: "y",
        [`${prefix}.overlay.redirect`]: "/root",
        [`${prefix}.overlay.metacopy`]: "",
        [`${prefix}.overlay.whiteout`]: "",
        [`${prefix}.overlay.origin`]: "x",
      });
      const all = { ...overlay("trusted"), ...overlay("user"), "trusted.overlay.overlay.opaque": "y" };
      await place.loadImage("hostile:1", [
        [...baseMembers(), file("etc/lower")],
        [
          attributed(all, { name: "etc/", type: "5", mode: "0000755\0" }),
          attributed(all, { name: "etc/upper" }, "upper\n"),
        ],
      ]);
      const { code, said, stderr } = await place.build(
        "FROM hostile:1\nRUN ls /etc/lower /etc/passwd; cat /etc/upper && echo more >>/etc/upper && cat /etc/upper",
        { flags },
      );
      assertEquals([code, said], [0, "/etc/lower\n/etc/passwd\nupper\nupper\nmore\n"], stderr);
    },
  });

  Deno.test({
    name: `a layer that cannot be unpacked is refused and leaves nothing, as ${kind}`,
    ignore,
    fn: async () => {
      await using place = await makeWatchedPlace();
      const { outside } = place;
      const layers: Readonly<Record<string, readonly Uint8Array[]>> = {
        "outside its archive": [file(`${"../".repeat(6)}${outside.slice(1)}/x`)],
        "a hard link to a parent": [hardlink("h", `${"../".repeat(6)}${outside.slice(1)}/marker`)],
        "a hard link to the host": [hardlink("h", `${outside}/marker`)],
        "a hard link through a symlink": [link("l", outside), hardlink("h", "l/marker")],
        "a whiteout of its parent": [file(".wh...")],
        ...(kind === "overlay" ? { "a whiteout of the overlay file system": [device("vi", "3", 0, 0)] } : {}),
        "a name with a NUL in PAX": [paxMember([["path", `a\0${outside}`]]), file("x")],
      };
      for (const [name, members] of Object.entries(layers)) {
        const loaded = await place.loadImage("refused:1", [members]);
        const { code, stderr } = loaded.code === 0 ? await place.build("FROM refused:1\nRUN true", { flags }) : loaded;
        assert(code === 1 || code === 2, `${name}: ${code} ${stderr}`);
        assertMatch(stderr, /^error: Cannot /m);
        assert(!/INTERNAL|PLUGIN/.test(stderr), stderr);
        await place.strata("image", "rm", "-f", "refused:1").catch(() => {});
      }
      place.check();
      assertEquals(Array.from(Deno.readDirSync(`${place.options.root}/tmp`)), []);
      assertEquals(Array.from(Deno.readDirSync(`${place.options.root}/runs`)), []);
    },
  });

  Deno.test({
    name: `a large sparse file takes no place on disk, as ${kind}`,
    ignore,
    fn: async () => {
      await using place = await makeWatchedPlace();
      const size = 64 << 20;
      await place.loadImage("sparse:1", [[...baseMembers(), sparse("sparse", size, "end\n")]]);
      const { code, said, stderr } = await place.build(
        "FROM sparse:1\nRUN stat -c '%s %b' /sparse; tail -c 4 /sparse && mv /sparse /moved && stat -c %b /moved",
        { flags },
      );
      assertEquals(code, 0, stderr);
      const [, bytes, blocks] = /^(\d+) (\d+)$/m.exec(said) ?? [];
      assertEquals(bytes, String(size));
      assert(Number(blocks) < 100, said);
      assertStringIncludes(said, "end\n");
    },
  });
}

Deno.test({
  name: "what a config says of user and working directory stays inside",
  ignore,
  fn: async () => {
    await using place = await makeWatchedPlace();
    const build = async (config: { User: string; WorkingDir: string }): Promise<readonly [number, string]> => {
      await place.loadImage("config:1", [baseMembers()], config);
      const { code, said, stderr } = await place.build("FROM config:1\nRUN pwd; id -u", { flags: ["--runtime=crun"] });
      return [code, code === 0 ? said : stderr];
    };
    assertEquals(await build({ User: "", WorkingDir: `../../../..${place.outside}/new` }), [
      0,
      `${place.outside}/new\n0\n`,
    ]);
    assertEquals((await build({ User: "../../root", WorkingDir: "/" }))[0], 1);
    assertEquals((await build({ User: "4294967295", WorkingDir: "/" }))[0], 1);
    assertMatch((await build({ User: "", WorkingDir: "/proc/self/fd/9" }))[1], /proc/);
    place.check();
  },
});
