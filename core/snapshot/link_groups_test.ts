import { hardlink, textFile } from "../../tests/helpers/layer_parts.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import { checkWork, workBase as base, type WorkCase } from "../../tests/helpers/workspace_fixture.ts";

const ignore = Deno.build.os !== "linux" || isMissing("root");
const time = { mtime: 1_000_000_000 };

const cases: readonly WorkCase[] = [
  {
    name: "one name of a file that has several: all of them",
    script: "echo new >>y",
    changes: ["directory d", "file d/z", "hardlink x", "hardlink y"],
  },
  {
    name: "names of a file that are gone",
    script: "rm y; echo new >>x",
    changes: ["directory d", "file d/z", "hardlink x", "whiteout y"],
  },
  {
    name: "one name that is another file now",
    script: "rm y; echo new >y",
    changes: ["file y"],
    copied: ["directory d", "file d/z", "hardlink x", "file y"],
  },
  {
    name: "a new name of a file",
    script: "ln file also; ln file d/also",
    changes: ["file also", "directory d", "hardlink d/also", "hardlink file"],
  },
  {
    name: "new files with several names",
    script: "echo a >a; ln a b; ln -s a c; ln c cc; mkfifo f; ln f ff; mknod n c 1 3; ln n nn",
    changes: ["file a", "hardlink b", "symlink c", "hardlink cc", "fifo f", "hardlink ff", "char n", "hardlink nn"],
  },
  {
    name: "all names of a file of which one was moved and then written to",
    script: "mv x moved; echo new >>moved",
    changes: ["directory d", "file d/z", "hardlink moved", "whiteout x", "hardlink y"],
  },
  {
    name: "the other names of a file of which the one that was written to is gone",
    script: "echo new >>y; chmod 600 y; rm y",
    changes: ["directory d", "file d/z", "hardlink x", "whiteout y"],
  },
  {
    name: "a new name of a file that was written to under one that is gone",
    script: "echo new >>y; rm y; ln x also",
    changes: ["file also", "directory d", "hardlink d/z", "hardlink x", "whiteout y"],
  },
  {
    name: "a file of several names that was opened for writing after one of them went",
    script: "rm y; exec 3<>x 3>&-",
    changes: ["whiteout y"],
    copied: ["directory d", "file d/z", "hardlink x", "whiteout y"],
  },
  {
    name: "a new file of several names in place of one that has others",
    script: "rm x; echo new >x; ln x also",
    changes: ["file also", "hardlink x"],
    copied: ["file also", "directory d", "file d/z", "hardlink x", "hardlink y"],
  },
  {
    name: "a name that is an equal file of its own now",
    script: "cp -p y t; mv t y; touch -d @1000000000 .",
    changes: ["file y"],
    copied: ["directory d", "file d/z", "hardlink x", "file y"],
  },
  {
    name: "two names that are one equal file of their own now",
    script: "cp -p y t; ln -f t x; mv t y; touch -d @1000000000 .",
    changes: ["file x", "hardlink y"],
    copied: ["directory d", "file d/z", "file x", "hardlink y"],
  },
  {
    name: "one name of a file that a layer in between has changed",
    layers: [base, [textFile("y", "other", time), hardlink("y2", "y")]],
    script: "echo new >>x; echo new >>y2",
    changes: ["directory d", "file d/z", "hardlink x", "file y", "hardlink y2"],
  },
];

for (const each of cases) {
  Deno.test({ name: `changes of a workspace tell of ${each.name}`, ignore, fn: () => checkWork(each) });
}
