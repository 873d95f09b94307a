import type { DifferentialCase } from "./case.ts";

/** ADD: archives and what is none. */
export const addCases: readonly DifferentialCase[] = [
  { name: "add-file", dockerfile: "FROM scratch\nADD a.txt /x/\nADD dir /d\nADD *.md /m/\n" },
  { name: "add-plain", dockerfile: "FROM scratch\nADD plain.tar /x/\n" },
  { name: "add-gzip", dockerfile: "FROM scratch\nADD gz.tar.gz /x\n" },
  { name: "add-bzip2", dockerfile: "FROM scratch\nADD bz.tar.bz2 /x/y\n" },
  { name: "add-xz", dockerfile: "FROM scratch\nADD xz.tar.xz /\n" },
  { name: "add-zstd", dockerfile: "FROM scratch\nADD zst.tar.zst /x/\n" },
  { name: "add-unnamed-archive", dockerfile: "FROM scratch\nADD unnamed.dat /x/\n" },
  { name: "add-empty-archive-name", dockerfile: "FROM scratch\nADD nothing.tar.gz /x/\n" },
  { name: "add-false-archive", dockerfile: "FROM scratch\nADD false.tar.gz /x/\n" },
  { name: "add-devices", dockerfile: "FROM scratch\nADD devices.tar /\n" },
  { name: "add-over-folders", dockerfile: "FROM localhost/base:1\nADD over.tar /\n" },
  { name: "add-over-file", dockerfile: "FROM localhost/base:1\nADD plain.tar /file\n", fails: "Cannot" },
  {
    name: "add-link-in-archive",
    dockerfile: "FROM localhost/base:1\nADD through.tar /\n",
    files: {
      "through.tar": { type: "tar", files: { "link/through.txt": "through\n", "rel/": { type: "directory" } } },
    },
  },
  { name: "add-through-link", dockerfile: "FROM localhost/base:1\nADD plain.tar /link/\n" },
  { name: "add-archive-and-file", dockerfile: "FROM scratch\nADD unnamed.dat a.txt /x/\n" },
  { name: "add-two-archives", dockerfile: "FROM scratch\nADD unnamed.dat devices.tar /x/\n" },
  { name: "add-wildcard-archives", dockerfile: "FROM scratch\nADD *.bz2 *.dat /x/\n" },
  { name: "add-archive-chown", dockerfile: "FROM localhost/base:1\nADD --chown=app:staff plain.tar /x/\n" },
  { name: "add-archive-chmod", dockerfile: "FROM localhost/base:1\nADD --chmod=700 unnamed.dat /x/\n" },
  { name: "add-file-chown", dockerfile: "FROM localhost/base:1\nADD --chown=app a.txt /x/\n" },
  {
    name: "add-folder-with-archive",
    dockerfile: "FROM scratch\nADD tars /x/\n",
    files: {
      "tars/in.tar": { type: "tar", files: { "no": "no\n" } },
    },
  },
  {
    name: "add-archive-with-whiteout",
    dockerfile: "FROM localhost/base:1\nADD white.tar /data/\n",
    files: { "white.tar": { type: "tar", files: { ".wh.keep.txt": "" } } },
    fails: ".wh.",
  },
  {
    name: "add-archive-climbs",
    dockerfile: "FROM scratch\nADD bad.tar /x/\n",
    files: { "bad.tar": { type: "tar", files: { "../up.txt": "up\n" } } },
    fails: "Cannot",
  },
  {
    name: "add-archive-dot",
    dockerfile: "FROM scratch\nADD dot.tar /x/\n",
    files: {
      "dot.tar": {
        type: "tar",
        files: {
          "./": { type: "directory", mode: 0o711, uid: 4, gid: 5 },
          "./f": "f\n",
          "./g/": { type: "directory" },
        },
      },
    },
  },
  {
    name: "add-archive-twice-one-name",
    dockerfile: "FROM scratch\nADD twice.tar /x/\n",
    files: { "twice.tar": { type: "tar", files: { "f": "first\n", "./f": "second\n" } } },
  },
  {
    name: "add-link-to-archive",
    dockerfile: "FROM scratch\nADD toarchive /x/\n",
    files: {
      "toarchive": { type: "symlink", target: "unnamed.dat" },
    },
  },
  {
    name: "add-unpack-no",
    dockerfile: "FROM scratch\nADD --unpack=false unnamed.dat /x/\n",
    plain: "FROM scratch\nCOPY unnamed.dat /x/\n",
  },
];

const everywhere = "FROM scratch\nCOPY . /all/\n";

/** .dockerignore: every form of a line. */
export const ignoreCases: readonly DifferentialCase[] = [
  { name: "ignore-root-name", dockerfile: everywhere, files: { ".dockerignore": "one.txt\na.txt\n/b.txt\n" } },
  { name: "ignore-any-depth", dockerfile: everywhere, files: { ".dockerignore": "**/*.txt\n" } },
  { name: "ignore-folder", dockerfile: everywhere, files: { ".dockerignore": "dir\nother/\n" } },
  {
    name: "ignore-negation",
    dockerfile: everywhere,
    files: { ".dockerignore": "dir\n!dir/sub/three.txt\n*.txt\n!a.txt\n" },
  },
  { name: "ignore-last-wins", dockerfile: everywhere, files: { ".dockerignore": "!a.txt\n*.txt\n!b.txt\nb.txt\n" } },
  { name: "ignore-all-but", dockerfile: everywhere, files: { ".dockerignore": "*\n!other\n!dir/sub\n" } },
  {
    name: "ignore-comment-blank",
    dockerfile: everywhere,
    files: { ".dockerignore": "# a.txt\n\n  b.txt  \n\t\n #c.md\n" },
  },
  { name: "ignore-clean", dockerfile: everywhere, files: { ".dockerignore": "./dir/../other/\ndir//sub\n" } },
  { name: "ignore-question", dockerfile: everywhere, files: { ".dockerignore": "?.txt\nhard/h[1]\nd*/s*\n" } },
  { name: "ignore-itself", dockerfile: everywhere, files: { ".dockerignore": "Dockerfile\n.dockerignore\n" } },
  { name: "ignore-bom-crlf", dockerfile: everywhere, files: { ".dockerignore": "\ufeffa.txt\r\nb.txt\r\n" } },
  { name: "ignore-stars-inside", dockerfile: everywhere, files: { ".dockerignore": "dir/**/four.txt\n**/five.txt\n" } },
  {
    name: "ignore-named-source",
    dockerfile: "FROM scratch\nCOPY a.txt /\n",
    files: { ".dockerignore": "a.txt\n" },
    fails: "a.txt",
  },
  {
    name: "ignore-beside-dockerfile",
    dockerfile: everywhere,
    files: { ".dockerignore": "a.txt\n", "Dockerfile.dockerignore": "b.txt\n" },
  },
];
