import { assertEquals, assertThrows } from "@std/assert";
import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { type MountLease, type MountSharing, type MountStore, openMountStore } from "./mount_store.ts";

const call: Call = { signal: new AbortController().signal, emit: () => {} };
/** sha256 of "go". */
const goName = "4cd0e21a9a0795a14ec9aa5f0e7d1abff0492565770e43eafdf1e3e8afed1f33";

interface Fixture extends AsyncDisposable {
  readonly root: string;
  readonly mounts: MountStore;
  /** Sets the clock. */
  at(time: string): void;
  /** Names in the directory of mounts but locks. */
  directories(): string[];
}

async function openFixture(): Promise<Fixture> {
  const root = await Deno.makeTempDir();
  let now = new Date("2024-05-01T10:00:00Z");
  return {
    root,
    mounts: openMountStore(root, () => now),
    at: (time) => now = new Date(time),
    directories: () =>
      [...Deno.readDirSync(`${root}/mounts`)].map(({ name }) => name).filter((name) => !name.endsWith("lock")).sort(),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

async function take(mounts: MountStore, id: string, sharing: MountSharing = "shared"): Promise<MountLease> {
  const lease = await mounts.acquire({ id, sharing }, call);
  if (lease.isNew) {
    Deno.writeTextFileSync(`${lease.path}/file`, id);
    lease.commitNew();
  }
  return lease;
}

/** Whether a mount can be had at once: the request is canceled as soon as it waits. */
async function isFree(mounts: MountStore, id: string, sharing: MountSharing): Promise<boolean> {
  const controller = new AbortController();
  const { signal } = controller;
  signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>): void => {
    EventTarget.prototype.addEventListener.apply(signal, args);
    controller.abort();
  };
  try {
    (await mounts.acquire({ id, sharing }, { ...call, signal }))[Symbol.dispose]();
    return true;
  } catch (error) {
    assertEquals(error instanceof EngineError && error.code, "CANCELED");
    return false;
  }
}

Deno.test("list() gives nothing and makes nothing when there are no mounts", async () => {
  await using fixture = await openFixture();
  assertEquals(fixture.mounts.list(), []);
  fixture.mounts.sweep();
  assertEquals([...Deno.readDirSync(fixture.root)], []);
});

Deno.test("acquire() makes a mount once and keeps its files and times", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  (await take(mounts, "go"))[Symbol.dispose]();
  fixture.at("2024-05-02T10:00:00Z");
  using lease = await take(mounts, "go");
  assertEquals([lease.isNew, Deno.readTextFileSync(`${lease.path}/file`)], [false, "go"]);
  assertEquals(mounts.list(), [{
    id: "go",
    name: goName,
    directory: `${fixture.root}/mounts/${goName}`,
    createdAt: new Date("2024-05-01T10:00:00Z"),
    lastUsedAt: new Date("2024-05-02T10:00:00Z"),
    isInUse: true,
  }]);
});

Deno.test("acquire() lets shared ones have a mount together and locked ones alone", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const shared = await take(mounts, "go");
  assertEquals(await isFree(mounts, "go", "shared"), true);
  assertEquals(await isFree(mounts, "go", "locked"), false);
  shared[Symbol.dispose]();
  using _locked = await take(mounts, "go", "locked");
  assertEquals(await isFree(mounts, "go", "shared"), false);
  assertEquals(await isFree(mounts, "other", "locked"), true);
});

Deno.test("acquire() gives a locked mount when the one who has it lets go", async () => {
  await using fixture = await openFixture();
  const held = await take(fixture.mounts, "go", "locked");
  const waiting = take(fixture.mounts, "go", "locked");
  held[Symbol.dispose]();
  using lease = await waiting;
  assertEquals(lease.isNew, false);
});

Deno.test("acquire() gives private ones the first copy that nobody has", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const first = await take(mounts, "go", "private");
  {
    using _second = await take(mounts, "go", "private");
    using _third = await take(mounts, "go", "private");
    assertEquals(fixture.directories(), [goName, `${goName}-1`, `${goName}-2`]);
  }
  first[Symbol.dispose]();
  using again = await take(mounts, "go", "private");
  assertEquals(again.path, first.path);
  assertEquals(mounts.list().map(({ id, isInUse }) => [id, isInUse]), [["go", true], ["go", false], ["go", false]]);
});

Deno.test("acquire() keeps a new shared mount from others until it is committed", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  using lease = await mounts.acquire({ id: "go", sharing: "shared" }, call);
  assertEquals([lease.isNew, mounts.list()], [true, []]);
  assertEquals(await isFree(mounts, "go", "shared"), false);
  lease.commitNew();
  lease.commitNew();
  assertEquals(await isFree(mounts, "go", "shared"), true);
});

Deno.test("acquire() forgets a new mount that was not committed", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  for (let i = 0; i < 2; i++) {
    using lease = await mounts.acquire({ id: "go", sharing: "shared" }, call);
    assertEquals([lease.isNew, [...Deno.readDirSync(lease.path)]], [true, []]);
    Deno.writeTextFileSync(`${lease.path}/half`, "");
  }
  assertEquals(fixture.directories(), []);
});

Deno.test("acquire() starts anew where a killed process left a mount half filled or its record damaged", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const directory = `${fixture.root}/mounts/${goName}`;
  for (const meta of [undefined, "{", '{"version":2}', '{"version":1,"id":"go","createdAt":"x","lastUsedAt":"y"}']) {
    await Deno.mkdir(`${directory}/data/half`, { recursive: true });
    if (meta !== undefined) await Deno.writeTextFile(`${directory}/meta.json`, meta);
    assertEquals(mounts.list(), []);
    using lease = await mounts.acquire({ id: "go", sharing: "shared" }, call);
    assertEquals([lease.isNew, [...Deno.readDirSync(lease.path)]], [true, []]);
  }
  assertEquals(fixture.directories(), []);
});

Deno.test("acquire() gives a mount whose holder was killed, anew when it was half filled", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const code = `
    const { openMountStore } = await import(${JSON.stringify(new URL("mount_store.ts", import.meta.url).href)});
    const call = { signal: new AbortController().signal, emit: () => {} };
    const mounts = openMountStore(Deno.args[0], () => new Date());
    const lease = await mounts.acquire({ id: "go", sharing: "shared" }, call);
    Deno.writeTextFileSync(lease.path + "/half", "");
    await mounts.acquire({ id: "held", sharing: "locked" }, call).then((held) => held.commitNew());
    console.log("ready");
    setInterval(() => {}, 1000);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code, fixture.root],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  assertEquals([await isFree(mounts, "go", "shared"), await isFree(mounts, "held", "shared")], [false, false]);
  assertEquals(mounts.list().map(({ id, isInUse }) => [id, isInUse]), [["held", true]]);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  using held = await mounts.acquire({ id: "held", sharing: "shared" }, call);
  using half = await mounts.acquire({ id: "go", sharing: "shared" }, call);
  assertEquals([held.isNew, half.isNew, [...Deno.readDirSync(half.path)]], [false, true, []]);
});

Deno.test("remove() takes a mount away unless it is in use", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const lease = await take(mounts, "go");
  const [info] = mounts.list();
  if (info === undefined) throw new Error("no mount");
  assertEquals([mounts.remove(info), mounts.list().length], [false, 1]);
  lease[Symbol.dispose]();
  Deno.chmodSync(lease.path, 0o500);
  assertEquals([mounts.remove(info), mounts.list()], [true, []]);
  assertEquals(mounts.remove(info), true);
  assertEquals([...Deno.readDirSync(`${fixture.root}/mounts`)].map(({ name }) => name), ["lock"]);
});

Deno.test("hold() gives a mount that nobody has, alone", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const lease = await take(mounts, "go");
  const [info] = mounts.list();
  if (info === undefined) throw new Error("no mount");
  assertEquals(mounts.hold(info), undefined);
  lease[Symbol.dispose]();
  {
    using held = mounts.hold(info);
    assertEquals([held?.isNew, await isFree(mounts, "go", "shared")], [false, false]);
  }
  mounts.remove(info);
  assertEquals(mounts.hold(info), undefined);
});

Deno.test("size() counts a file with two names once, and what a symlink leads to never", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  using lease = await take(mounts, "go");
  Deno.mkdirSync(`${lease.path}/a/b`, { recursive: true });
  Deno.writeTextFileSync(`${lease.path}/a/b/big`, "x".repeat(1000));
  Deno.linkSync(`${lease.path}/a/b/big`, `${lease.path}/again`);
  Deno.symlinkSync("/", `${lease.path}/outside`);
  assertEquals(mounts.list().map((info) => mounts.size(info)), [1002]);
});

Deno.test("replace() puts staged mounts in their places, all or none", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const inUse = await take(mounts, "go");
  const meta = { id: "go", createdAt: new Date(0), lastUsedAt: new Date(1000) };
  {
    using npm = mounts.stage("a".repeat(64));
    npm.describe({ ...meta, id: "npm" });
    using go = mounts.stage(goName);
    go.describe(meta);
    const error = assertThrows(() => mounts.replace([npm, go]), EngineError);
    assertEquals([error.code, error.detail], ["CONFLICT", { kind: "cache mount", name: "go" }]);
    assertEquals(mounts.list().map(({ id }) => id), ["go"]);
  }
  inUse[Symbol.dispose]();
  {
    using go = mounts.stage(goName);
    go.describe(meta);
    Deno.writeTextFileSync(`${go.path}/imported`, "");
    mounts.replace([go]);
  }
  using lease = await take(mounts, "go");
  assertEquals([...Deno.readDirSync(lease.path)].map(({ name }) => name), ["imported"]);
  assertEquals(mounts.list()[0]?.createdAt, new Date(0));
  assertEquals(fixture.directories(), [goName]);
});

Deno.test("sweep() removes what a killed process was making or removing, not what lives", async () => {
  await using fixture = await openFixture();
  const { mounts } = fixture;
  const id = "00000000-0000-4000-8000-000000000000";
  for (const name of [`old-${id}`, `new-${id}`]) {
    await Deno.mkdir(`${fixture.root}/mounts/${name}/data`, { recursive: true });
    await Deno.writeTextFile(`${fixture.root}/mounts/${name}.lock`, "");
  }
  using staged = mounts.stage(goName);
  mounts.sweep();
  assertEquals(fixture.directories().length, 1);
  assertEquals(staged.path.startsWith(`${fixture.root}/mounts/new-`), true);
});
