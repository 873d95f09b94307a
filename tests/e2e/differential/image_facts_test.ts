import { assertEquals } from "@std/assert";
import { compareOutcomes, type ImageFacts, type Outcome } from "./image_facts.ts";

const file = {
  type: "file",
  mode: "0o644",
  uid: 0,
  gid: 0,
  size: 3,
  content: "aa",
  mtime: 5,
  links: ["a", "b"],
  xattrs: { "user.x": "1" },
};
const image: ImageFacts = {
  config: { Env: ["A=1"], Labels: { a: "1", b: "2" }, Volumes: null },
  platform: "linux/amd64",
  author: "",
  layers: 1,
  history: 1,
  commands: ["/bin/sh -c a"],
  names: [["a", "l", "n"]],
  files: { a: file, l: { type: "symlink", uid: 0, gid: 0, target: "a" }, n: { type: "char", device: "1:3" } },
};

function fieldsOf(peer: Outcome, isSameFile = true): readonly string[] {
  return compareOutcomes({ image }, peer, { started: 1000, isSameFile }).map(({ field }) => field);
}

function withFile(change: Readonly<Record<string, unknown>>): Outcome {
  return { image: { ...image, files: { ...image.files, a: { ...file, ...change } } } };
}

Deno.test("compareOutcomes() finds every fact of a file that differs", () => {
  const changes = {
    type: "fifo",
    mode: "0o4644",
    uid: 1,
    gid: 1,
    size: 4,
    content: "bb",
    mtime: 6,
    links: ["a"],
    xattrs: { "user.x": "2" },
  };
  for (const [fact, value] of Object.entries(changes)) {
    assertEquals(fieldsOf(withFile({ [fact]: value })), [`file a ${fact}`]);
  }
  const { a, l, n } = image.files;
  const others = { a: a ?? {}, l: { ...l, target: "b" }, n: { ...n, device: "1:4" } };
  assertEquals(fieldsOf({ image: { ...image, files: others } }), ["file l target", "file n device"]);
});

Deno.test("compareOutcomes() names a file that only one image has once", () => {
  const { a: _, ...rest } = image.files;
  assertEquals(fieldsOf({ image: { ...image, files: rest } }), ["file a type"]);
  assertEquals(fieldsOf({ image: { ...image, files: { ...image.files, z: file } } }), ["file z type"]);
});

Deno.test("compareOutcomes() finds what differs in the config and around it", () => {
  const change = (changed: Partial<ImageFacts>): readonly string[] => fieldsOf({ image: { ...image, ...changed } });
  assertEquals(change({ config: { ...image.config, Env: ["A=2"], User: "x" } }), ["config Env", "config User"]);
  assertEquals(change({ config: { Env: ["A=1"], Labels: { b: "2", a: "1" }, Cmd: [], Tty: false } }), []);
  assertEquals(change({ platform: "linux/arm64" }), ["platform"]);
  assertEquals(change({ author: "me" }), ["author"]);
  assertEquals(change({ history: 2 }), ["history"]);
  assertEquals(change({ layers: 2, history: 2 }), ["layers"]);
  assertEquals(change({ commands: ["/bin/sh -c b"] }), ["commands"]);
  assertEquals(change({ names: [["a", ".wh.b"]] }), ["layer 1 names"]);
  assertEquals(fieldsOf({ image: { ...image, layers: 2, history: 2, commands: [], names: [] } }, false), []);
});

Deno.test("compareOutcomes() takes a time of the build and the time 0 for the same", () => {
  const options = { started: 1000, isSameFile: true };
  assertEquals(compareOutcomes(withFile({ mtime: 0 }), withFile({ mtime: 1001 }), options), []);
  assertEquals(compareOutcomes(withFile({ mtime: 0 }), withFile({ mtime: 999 }), options), [
    { field: "file a mtime", strata: "made", peer: "999" },
  ]);
});

Deno.test("compareOutcomes() leaves out what is not to be compared", () => {
  const options = { started: 0, isSameFile: true, ignored: /^file .* mtime$/ };
  assertEquals(compareOutcomes({ image }, withFile({ mtime: 6 }), options), []);
});

Deno.test("compareOutcomes() compares failures with images, and not with each other", () => {
  assertEquals(fieldsOf({ failure: "x" }), ["outcome"]);
  assertEquals(compareOutcomes({ failure: "x" }, { failure: "y" }, { started: 0, isSameFile: true }), []);
});
