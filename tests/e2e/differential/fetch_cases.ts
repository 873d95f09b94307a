import type { DifferentialCase } from "./case.ts";
import { webFiles } from "./common_files.ts";

/** Of file.txt in `webFiles`. */
const digest = "sha256:451f3e8714562111c7fc96b639f49f404507d4436dcd0ec3d539defcc2577d86";

/** ADD of an address; `http://server` is the server that the test starts, see web_server.ts. */
export const fetchCases: readonly DifferentialCase[] = [
  { name: "fetch-to-folder", dockerfile: "FROM scratch\nADD http://server/file.txt /x/\n" },
  { name: "fetch-to-name", dockerfile: "FROM scratch\nADD http://server/file.txt /x/name\n" },
  { name: "fetch-to-existing-folder", dockerfile: "FROM localhost/base:1\nADD http://server/file.txt /data\n" },
  { name: "fetch-relative", dockerfile: "FROM localhost/base:1\nWORKDIR /data\nADD http://server/file.txt .\n" },
  { name: "fetch-no-time", dockerfile: "FROM scratch\nADD http://server/timeless.txt /x/\n" },
  { name: "fetch-query", dockerfile: "FROM scratch\nADD http://server/query.txt?name=other.txt /x/\n" },
  { name: "fetch-redirect", dockerfile: "FROM scratch\nADD http://server/moved.txt /x/\n" },
  { name: "fetch-archive", dockerfile: "FROM scratch\nADD http://server/archive.tar /x/\n" },
  { name: "fetch-chown", dockerfile: "FROM localhost/base:1\nADD --chown=app:staff http://server/file.txt /x/\n" },
  { name: "fetch-chmod", dockerfile: "FROM scratch\nADD --chmod=644 http://server/file.txt /x/\n" },
  { name: "fetch-and-file", dockerfile: "FROM scratch\nADD http://server/file.txt a.txt unnamed.dat /x/\n" },
  { name: "fetch-variable", dockerfile: "FROM scratch\nARG AT=http://server\nADD ${AT}/file.txt /x/\n" },
  {
    name: "fetch-checksum",
    dockerfile: `FROM scratch\nADD --checksum=${digest} http://server/file.txt /x/\n`,
    plain: "FROM scratch\nADD http://server/file.txt /x/\n",
  },
  {
    name: "fetch-unpack",
    dockerfile: "FROM scratch\nADD --unpack http://server/archive.tar /x/\n",
    plain: "FROM scratch\nADD archive.tar /x/\n",
    files: webFiles,
  },
  { name: "fetch-missing", dockerfile: "FROM scratch\nADD http://server/none /x/\n", fails: "404" },
  { name: "fetch-copy", dockerfile: "FROM scratch\nCOPY http://server/file.txt /x/\n", fails: "COPY" },
];
