import type { DifferentialCase } from "./case.ts";

/** Several stages, and flags that the peers know under older names. */
export const stageCases: readonly DifferentialCase[] = [
  {
    name: "stage-copy-name",
    dockerfile: "FROM localhost/base:1 AS src\nCOPY dir /out\nFROM scratch\nCOPY --from=src /out /etc/passwd /in/\n",
  },
  {
    name: "stage-copy-index",
    dockerfile: "FROM localhost/base:1\nCOPY a.txt /x/\nFROM scratch\nCOPY --from=0 /x/a.txt /y\n",
  },
  { name: "stage-copy-image", dockerfile: "FROM scratch\nCOPY --from=localhost/base:1 /owned /data/keep.txt /x/\n" },
  {
    name: "stage-copy-owners",
    dockerfile:
      "FROM localhost/base:1 AS src\nCOPY --chown=5:6 dir /d\nFROM scratch\nCOPY --from=src /d /d\nCOPY --from=src /owned/mine /mine\n",
  },
  {
    name: "stage-copy-link",
    dockerfile:
      "FROM localhost/base:1 AS src\nFROM scratch\nCOPY --from=src /link /l/\nCOPY --from=src /flink /f\nCOPY --from=src /escape/inside.txt /e\n",
  },
  {
    name: "stage-copy-relative",
    dockerfile: "FROM localhost/base:1 AS src\nWORKDIR /data\nFROM scratch\nCOPY --from=src data/keep.txt /k\n",
  },
  { name: "stage-copy-root", dockerfile: "FROM localhost/base:1 AS src\nFROM scratch\nCOPY --from=src / /\n" },
  {
    name: "stage-copy-wildcard",
    dockerfile: "FROM localhost/base:1 AS src\nFROM scratch\nCOPY --from=src /data/*.txt /etc/p* /w/\n",
  },
  {
    name: "stage-copy-chown",
    dockerfile: "FROM localhost/base:1 AS src\nFROM localhost/base:1\nCOPY --from=src --chown=app /data /copied\n",
  },
  {
    name: "stage-copy-devices",
    dockerfile: "FROM scratch AS src\nADD devices.tar plain.tar /\nFROM scratch\nCOPY --from=src / /\n",
  },
  {
    name: "stage-copy-hardlinks",
    dockerfile: "FROM scratch AS src\nCOPY hard /hard\nFROM scratch\nCOPY --from=src /hard /h\n",
  },
  {
    name: "stage-copy-missing",
    dockerfile: "FROM localhost/base:1 AS src\nFROM scratch\nCOPY --from=src /missing /\n",
    fails: "missing",
  },
  { name: "stage-copy-itself", dockerfile: "FROM localhost/base:1 AS src\nCOPY --from=src /data /x\n", fails: "src" },
  {
    name: "stage-chain",
    dockerfile:
      "FROM scratch AS a\nCOPY a.txt /\nFROM a AS b\nCOPY b.txt /\nENV B=1\nFROM b\nCOPY --from=a /a.txt /again\nLABEL c=$B\n",
  },
  {
    name: "stage-target",
    dockerfile: "FROM localhost/base:1 AS first\nLABEL s=first\nFROM first AS second\nLABEL s=second\n",
    target: "first",
  },
  {
    name: "stage-target-number",
    dockerfile: "FROM localhost/base:1\nLABEL s=first\nFROM localhost/base:1\nLABEL s=second\n",
    target: "0",
  },
  { name: "stage-target-missing", dockerfile: "FROM localhost/base:1 AS first\n", target: "other", fails: "other" },
  {
    name: "stage-unused",
    dockerfile: "FROM localhost/base:1 AS unused\nCOPY missing /\nFROM localhost/base:1\nLABEL s=last\n",
  },
  {
    name: "stage-config-stays",
    dockerfile: "FROM localhost/rich:1 AS a\nENV OWN=1\nFROM scratch\nCOPY --from=a /etc /etc\n",
  },
  {
    name: "heredoc",
    dockerfile:
      'FROM localhost/base:1\nENV WHO=you\nCOPY <<one <<"two" /x/\nhello $WHO\none\nkept $WHO\ntwo\nCOPY <<-f /named\n\t\ttab\n\tf\n',
    plain: "FROM localhost/base:1\nENV WHO=you\nCOPY h/one h/two /x/\nCOPY h/f /named\n",
    files: {
      "h/one": { type: "file", text: "hello you\n", mtime: 0 },
      "h/two": { type: "file", text: "kept $WHO\n", mtime: 0 },
      "h/f": { type: "file", text: "tab\n", mtime: 0 },
    },
  },
  {
    name: "heredoc-flags",
    dockerfile: "FROM localhost/base:1\nCOPY --chown=app --chmod=755 <<run.sh a.txt /x/\n#!/bin/sh\nrun.sh\n",
    plain: "FROM localhost/base:1\nCOPY --chown=app --chmod=755 h/run.sh a.txt /x/\n",
    files: { "h/run.sh": { type: "file", text: "#!/bin/sh\n", mtime: 0 } },
  },
  {
    name: "exclude",
    dockerfile: "FROM scratch\nCOPY --exclude=**/*.md --exclude=sub/deep ex /d\n",
    plain: "FROM scratch\nCOPY ex/a.txt /d/\nCOPY ex/sub/keep /d/sub/\n",
    files: { "ex/a.txt": "a\n", "ex/b.md": "b\n", "ex/sub/keep": "k\n", "ex/sub/c.md": "c\n", "ex/sub/deep/x": "x\n" },
  },
  {
    name: "exclude-wildcard",
    dockerfile: "FROM scratch\nCOPY --exclude=b* --exclude=*link* ?.txt t*.txt /x/\n",
    plain: "FROM scratch\nCOPY a.txt /x/\n",
  },
  {
    name: "parents",
    dockerfile: "FROM scratch\nCOPY --parents bits/suid dir/sub/deep/four.txt other /p/\n",
    plain: "FROM scratch\nCOPY bits/suid /p/bits/\nCOPY four /p\nCOPY other /p/other\n",
    files: {
      "dir/sub/deep/four.txt": { type: "file", text: "four\n", mtime: 5 },
      "four/dir": { type: "directory", mode: 0o750, uid: 1234 },
      "four/dir/sub/deep/four.txt": { type: "file", text: "four\n", mtime: 5 },
    },
  },
  {
    name: "parents-pivot",
    dockerfile: "FROM scratch\nCOPY --parents dir/./sub/**/*.txt /p/\n",
    plain: "FROM scratch\nCOPY dir/sub/three.txt /p/sub/\nCOPY dir/sub/deep/four.txt /p/sub/deep/\n",
  },
  {
    name: "link-flag",
    dockerfile: "FROM localhost/base:1\nCOPY --link --chown=5:6 dir /new/d\nCOPY --link a.txt /data/\n",
    plain: "FROM localhost/base:1\nCOPY --chown=5:6 dir /new/d\nCOPY a.txt /data/\n",
  },
  {
    name: "chmod-symbolic",
    dockerfile: "FROM scratch\nCOPY --chmod=u=rwX,go=rX private.txt exec.sh /x/\nCOPY --chmod=a+x,g-r a.txt /y\n",
    plain: "FROM scratch\nCOPY --chmod=644 private.txt /x/\nCOPY exec.sh /x/\nCOPY --chmod=715 a.txt /y\n",
  },
];
