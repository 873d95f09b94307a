import { assert, assertEquals, assertThrows } from "@std/assert";
import { isMissing } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import { enterMountNamespace } from "./mount.ts";

const ignore = Deno.build.os !== "linux" || isMissing("root");

async function withDirectory(run: (directory: string) => void): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function makeFolder(path: string): string {
  Deno.mkdirSync(path, { recursive: true });
  return path;
}

for (
  const [what, name] of Object.entries({
    "no special characters": "plain",
    "spaces, commas, colons and backslashes": "a b,c:d\\e\\,f\\:g",
    "all that a name may hold": "é \"'\n\t%=#",
    "1,500 characters": Array.from({ length: 10 }, () => "x".repeat(149)).join("/"),
  })
) {
  Deno.test({
    name: `overlay() mounts directories whose paths have ${what}`,
    ignore,
    fn: () =>
      withDirectory((base) => {
        const mounter = enterMountNamespace();
        const [lower, upper] = [makeFolder(`${base}/${name}/lower`), makeFolder(`${base}/${name}/upper`)];
        const [work, target] = [makeFolder(`${base}/${name}/work`), makeFolder(`${base}/${name}/target`)];
        Deno.writeTextFileSync(`${lower}/file`, "lower");
        mounter.overlay({ lowers: [lower], upper: { path: upper, work }, target, options: ["volatile"] });
        assertEquals(Deno.readTextFileSync(`${target}/file`), "lower");
        Deno.writeTextFileSync(`${target}/file`, "upper");
        mounter.unmount(target);
        assertEquals([...Deno.readDirSync(target)], []);
        assertEquals(Deno.readTextFileSync(`${upper}/file`), "upper");
      }),
  });
}

Deno.test({
  name: "overlay() puts 200 directories on top of each other, the topmost first",
  ignore,
  fn: () =>
    withDirectory((base) => {
      const mounter = enterMountNamespace();
      const target = makeFolder(`${base}/target`);
      const lowers = Array.from({ length: 200 }, (_, i) => `${base}/a-name-that-takes-some-room-in-the-options-${i}`);
      for (const [i, lower] of lowers.entries()) {
        Deno.mkdirSync(lower);
        Deno.writeTextFileSync(`${lower}/top`, String(i));
        Deno.writeTextFileSync(`${lower}/only-${i}`, "");
      }
      mounter.overlay({ lowers, target, options: [] });
      assertEquals(Deno.readTextFileSync(`${target}/top`), "0");
      assertEquals([...Deno.readDirSync(target)].length, 201);
      assertThrows(() => Deno.writeTextFileSync(`${target}/new`, ""));
      mounter.unmount(target);
      const many = Array.from({ length: 300 }, () => lowers).flat().slice(0, 300);
      const error = assertThrows(() => mounter.overlay({ lowers: many, target, options: [] }), EngineError);
      assertEquals([error.code, error.detail["value"]], ["UNSUPPORTED", 300]);
    }),
});

Deno.test({
  name: "overlay() leaves no descriptor open, whether it mounts or throws",
  ignore,
  fn: () =>
    withDirectory((base) => {
      const mounter = enterMountNamespace();
      const [lower, other, target] = [
        makeFolder(`${base}/lower`),
        makeFolder(`${base}/other`),
        makeFolder(`${base}/target`),
      ];
      const count = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
      // Other tests of this process open and close some too, but not one for each of many rounds.
      const rounds = 200;
      const before = count();
      for (let round = 0; round < rounds; round++) {
        for (const options of [[], ["no_such_option=1"]]) {
          try {
            mounter.overlay({ lowers: [lower, other], target, options });
            mounter.unmount(target);
          } catch (error) {
            if (!(error instanceof EngineError)) throw error;
            assertEquals([error.code, error.detail["errno"], error.detail["path"]], ["OS_FAILED", "EINVAL", target]);
          }
        }
        assertThrows(() => mounter.overlay({ lowers: [lower, `${base}/absent`], target, options: [] }), EngineError);
      }
      assert(count() < before + rounds, `${count()} descriptors are open, ${before} were`);
    }),
});

Deno.test({
  name: "unmount() does nothing where nothing is mounted",
  ignore,
  fn: () =>
    withDirectory((base) => {
      const mounter = enterMountNamespace();
      mounter.unmount(base);
      mounter.unmount(`${base}/absent`);
    }),
});

Deno.test({
  name: "tmpfs() mounts a file system in memory that holds no more than it is told",
  ignore,
  fn: () =>
    withDirectory((base) => {
      const mounter = enterMountNamespace();
      const target = makeFolder(`${base}/target`);
      mounter.tmpfs(target, { mode: 0o711, maxBytes: 64 << 10 });
      assertEquals((Deno.statSync(target).mode ?? 0) & 0o7777, 0o711);
      Deno.writeFileSync(`${target}/small`, new Uint8Array(1000));
      assertThrows(() => Deno.writeFileSync(`${target}/large`, new Uint8Array(1 << 20)));
      mounter.unmount(target);
      assertEquals([...Deno.readDirSync(target)], []);
    }),
});

Deno.test({
  name: "enterMountNamespace() hides what it mounts from other processes",
  ignore,
  fn: () =>
    withDirectory((base) => {
      const mounter = enterMountNamespace();
      const target = makeFolder(`${base}/target`);
      mounter.tmpfs(target, { mode: 0o700 });
      const other = Deno.readTextFileSync("/proc/1/mountinfo");
      assertEquals([Deno.readTextFileSync("/proc/thread-self/mountinfo").includes(target), other.includes(target)], [
        true,
        false,
      ]);
      mounter.unmount(target);
    }),
});
