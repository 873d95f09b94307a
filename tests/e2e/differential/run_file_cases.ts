import type { DifferentialCase } from "./case.ts";
import { on, onBox } from "./run_lines.ts";

/** Names of cases, and the commands of their Dockerfiles on the busybox base image. */
const commands: Readonly<Record<string, readonly string[]>> = {
  "create": ["echo a >/a && chmod 600 /a && mkdir -p /d/e && echo b >/d/e/b && ln -s b /d/e/l && echo c >/data/c"],
  "create-modes": [
    "umask 0 && for m in 000 111 222 400 777 1666; do echo $m >/f$m; chmod $m /f$m; mkdir -m $m /d$m; done",
  ],
  "create-then-change": ["echo a >/f && mkdir /d", "echo b >>/f && chmod 700 /d && echo c >/d/g", "mv /f /d/f"],
  "delete-file": ["rm /data/keep.txt"],
  "delete-folder": ["rm -r /data"],
  "delete-contents": ["rm -r /data/* /names/*"],
  "delete-own": ["mkdir /d && echo a >/d/a && echo b >/d/b", "rm /d/a", "rm -r /d"],
  "delete-and-create": ["rm /data/keep.txt && echo keep >/data/keep.txt && touch -d @1000000099 /data/keep.txt"],
  "delete-then-create": ["rm -r /data", "mkdir /data && echo again >/data/keep.txt"],
  "create-and-delete": ["echo a >/tmp/a && mkdir /var/d && rm -r /tmp/a /var/d"],
  "folder-to-file": ["rm -r /data && echo now a file >/data"],
  "file-to-folder": ["rm /data/keep.txt && mkdir -m 711 /data/keep.txt && echo in >/data/keep.txt/in"],
  "folder-to-file-and-back": [
    "rm -r /data && echo now a file >/data",
    "rm /data && mkdir /data && echo new >/data/new",
    "rm -r /data && echo a file again >/data",
  ],
  "folder-to-link": ["rm -r /data && ln -s deep /data && echo through >/data/through"],
  "link-to-folder": ["rm /kinds/folder && mkdir /kinds/folder && echo x >/kinds/folder/x"],
  "link-to-file": [
    "rm /kinds/link && echo x >/kinds/link",
    "ln -sf /dev/null /kinds/fifo && rm /kinds/null && mkdir /kinds/null",
  ],
  "rename-file": ["mv /data/keep.txt /data/kept.txt && mv /data/old.txt /deep/old.txt"],
  "rename-folder": ["mv /data /moved"],
  "rename-folder-and-back": ["mv /data /moved && mv /moved /data"],
  "rename-folder-twice": ["mv /data /moved", "mv /moved/sub /sub && mv /moved /again"],
  "rename-folders-swapped": ["mv /data /t && mv /deep /data && mv /t /deep"],
  "rename-into": ["mv /data/sub /deep/1/2/3 && mv /deep/1 /data/"],
  "rename-then-refill": ["mv /data /moved && mkdir /data && echo new >/data/keep.txt && rm /moved/old.txt"],
  "rename-own": ["mkdir -p /d/e && echo f >/d/e/f", "mv /d /g", "mv /g/e /e && rmdir /g"],
  "chmod": ["chmod 600 /data/keep.txt && chmod 711 /data/sub && chmod -R g+w /deep"],
  "chown": [
    "chown 7:8 /data/keep.txt /data/sub && chown -h 9:10 /kinds/link /kinds/dangling && chown -R app:staff /deep",
  ],
  "chmod-to-same": ["chmod 644 /data/keep.txt && chmod 755 /data && chown 0:0 /data/old.txt"],
  "chgrp": ["chgrp -R 50 /data"],
  "root-folder": ["chmod 711 / && chown 5:6 / && touch -d @1000000001 /"],
  "touch": [
    "touch -d '2001-02-03 04:05:06' /data/keep.txt /data/sub /bits/suid && touch -h -d @981173107 /kinds/link && touch -d @0 /deep/1",
  ],
  "touch-same-second": ["touch -d @1234567890 /data/fraction.txt"],
  "touch-far": ["touch -d @4000000000 /data/keep.txt && touch -d @-1000 /data/old.txt", "touch -d @100000000000 /f"],
  "edit-same-size": ["printf 'KEPT\\n' >/data/keep.txt"],
  "folder-time": ["echo a >/data/a && rm /data/a && touch -d @1111111111 /data && echo b >/deep/1/b && rm /deep/1/b"],
  "read-only": ["cat /data/keep.txt >/dev/null && ls -lR /data && test -d /deep"],
  "nothing": ["true", "true", "echo said >&2"],
  "append": ["echo more >>/data/keep.txt && echo more >>/bits/suid"],
  "truncate": [": >/data/keep.txt && truncate -s 3 /data/old.txt"],
  "opaque-empty": ["rm -r /data && mkdir /data"],
  "opaque-survivors": ["rm -r /data && mkdir -p /data/sub && echo new >/data/keep.txt && echo z >/data/sub/z"],
  "opaque-then-more": [
    "rm -r /data && mkdir /data && echo 1 >/data/1",
    "echo 2 >/data/2 && rm /data/1",
    "rm -r /data && mkdir /data",
  ],
  "opaque-within": ["rm -r /data/sub && mkdir /data/sub && mv /data /moved", "rm -r /moved/sub && mkdir /moved/sub"],
  "opaque-by-rename": ["mkdir /fresh && echo f >/fresh/f && rm -r /data && mv /fresh /data"],
  "hardlink": ["echo a >/a && ln /a /b && mkdir /d && ln /a /d/c && ln -s a /s && ln /s /t && mkfifo /p && ln /p /q"],
  "hardlink-to-lower": ["ln /data/keep.txt /data/again && ln /data/old.txt /elsewhere && ln /bits/suid /suid"],
  "hardlink-write": ["echo written >>/links/a"],
  "hardlink-remove": ["rm /links/a"],
  "hardlink-replace": ["rm /links/b && echo alone >/links/b"],
  "hardlink-chmod": ["chmod 600 /links/other/c"],
  "hardlink-rename": ["mv /links/a /links/moved && mv /links/other /other"],
  "hardlink-one-more": ["ln /links/a /links/d"],
  "hardlink-across": ["echo a >/a && ln /a /b && ln /a /c", "echo b >>/b", "rm /a && ln /c /d", "chmod 600 /d"],
  "hardlink-broken": ["cp -p /links/a /links/t && mv /links/t /links/a"],
  "hardlink-broken-then-written": ["cp -p /links/b /links/t && mv /links/t /links/b", "echo more >>/links/b"],
  "hardlink-made-then-written": [
    "cp -p /data/keep.txt /data/copy && ln -f /data/copy /data/keep.txt",
    "echo more >>/data/copy && chmod 600 /data/keep.txt",
  ],
  "hardlink-in-folder": ["mv /links /moved && echo more >>/moved/b"],
  "devices": [
    "mknod /c c 1 3 && mknod -m 600 /b b 7 9 && mkfifo -m 640 /f && chown 5:6 /f /c && mknod /big c 300 70000",
    "rm /c && echo a file >/c && chmod 600 /kinds/null && rm /kinds/fifo && mknod /kinds/fifo b 1 1",
  ],
  "setcap": [
    "cp /bin/true /own; setcap cap_net_raw,cap_chown=eip /bin/getcap && setcap cap_kill=p /data/keep.txt && setcap -r /bits/capable",
  ],
  "setcap-kept": [
    "chmod 700 /bits/capable && mv /bits/capable /moved && ln /moved /linked",
    "cp -p /moved /copied && touch -d @1 /linked",
  ],
  "setcap-lost": ["chown 1:1 /bits/capable", "echo more >>/bits/capable"],
  "setuid": [
    "cp /data/keep.txt /s && chmod 6755 /s && cp /data/keep.txt /t && chmod 4755 /t && chown 5:6 /t && chown 5:6 /bits/suid /bits/sgid",
    "chmod 4711 /t && mv /s /u && ln /u /v && chmod u-s /bits/suid",
  ],
  "setgid-folder": [
    "mkdir /bits/group/d && echo f >/bits/group/f && chown 7:7 /bits/group && chmod -t /bits/sticky && mkdir -m 3777 /x",
  ],
  "sparse": ["truncate -s 20M /sparse && printf end | dd of=/hole bs=1 seek=5000000 && truncate -s 1M /data/keep.txt"],
  "large": ["yes strata | head -c 9000001 >/large", "printf x | dd of=/large bs=1 seek=4500000 conv=notrunc"],
  "many": ["mkdir /many && cd /many && seq 1 600 | xargs touch && seq 1 3 600 | xargs rm && mkdir $(seq 1 30 600)"],
  "symlink-swap": ["ln -sfn two /swap/now && echo more >>/swap/now/f", "rm /swap/now && mv /swap/one /swap/now"],
  "symlinks": [
    "ln -s loop /loop && ln -s ../../../../etc/passwd /up && ln -s $(seq -s/ 1 200) /long && ln -s / /data/root",
  ],
  "symlink-parents": [
    "echo n >/kinds/folder/new && rm /kinds/folder/old.txt && mv /kinds/folder/sub /kinds/folder/bus",
  ],
  "deep": [
    "p=/deep && for i in $(seq 40); do p=$p/folder-number-$i; done && mkdir -p $p && echo end >$p/end && cd /deep && mkdir $(printf %0255d 1)",
    "p=/deep && for i in $(seq 39); do p=$p/folder-number-$i; done && rm -r $p/folder-number-40 && rm /deep/1/2/3/4/5/6/f",
  ],
  "names": [
    "cd /names && touch -- '-dash' $'new\\nline.txt' ' lead' 'trail ' 'quo\"te' \"apo'strophe\" 'back\\slash' 'a*b?c[d]' 'ta\tb' 日本 é",
    "cd /names && rm -- -dash ünïcode 'sp ace' && mv 日本 'to day' && mkdir 'fol der' ... ..x && touch 'fol der/日本'",
  ],
  "names-bytes": [
    "cd /names && touch $(printf 'latin\\351') $(printf 'bad\\377\\376') && mkdir $(printf 'd\\200') && touch $(printf 'd\\200')/f",
  ],
  "names-case": ["mkdir /n && cd /n && touch a A aa Aa .a ..a a.. && rm A"],
  "xattrs": ["setfattr -n user.own -v 1 /data/keep.txt && setfattr -n user.own -v 2 /data"],
  "xattrs-removed": ["touch /a && setfattr -n user.a -v 1 /a && setfattr -n user.b -v 2 /a && setfattr -x user.a /a"],
  "xattrs-kept": ["chmod 600 /bits/noted && mv /bits/noted /noted"],
  "copy-tree": ["cp -a /data /copy && cp -a /links /bits /kinds /copy/"],
  "unpack": ["cd /data && tar -cf - sub keep.txt | tar -xf - -C /var && rm -r /data/sub"],
  "readonly-parts": ["echo more >>/readonly/file && echo new >/readonly/new", "chmod -R a-w /data && rm -r /readonly"],
  "left-behind": [
    "mkfifo /fifo && ln -s /socket /dev/log && touch /socket && syslogd && for i in $(seq 100); do test -S /socket && exit 0; sleep 0.05; done; exit 1",
  ],
  "special-folders": [
    "echo d >/dev/left && echo t >/tmp/left && echo r >/run/left && mkdir /run/lock /tmp/.X && echo s >/dev/shm/left",
  ],
  "special-folders-next": [
    "touch /dev/left /dev/shm/left",
    "ls /dev/left /dev/shm/left /proc/1/comm >/seen 2>/dev/null; wc -l </seen >/n && rm /seen",
  ],
  "special-folders-attributes": ["chmod 700 /tmp /run && chown 1:1 /var/tmp && touch -d @1000000001 /tmp /run"],
};

const others: readonly DifferentialCase[] = [
  {
    name: "file-times",
    dockerfile: onBox(
      "RUN printf 'KEEP\\n' >/data/keep.txt && touch -d \"$(stat -c %y /data/old.txt)\" /data/keep.txt",
    ),
  },
  {
    name: "file-same-time-and-size",
    dockerfile: onBox(
      "RUN cp -p /data/keep.txt /t && printf 'KEPT\\n' >/data/keep.txt && touch -r /t /data/keep.txt && rm /t",
    ),
  },
  {
    name: "file-over-copies",
    dockerfile: onBox(
      "COPY a.txt b.txt /d/",
      "RUN rm /d/a.txt && echo more >>/d/b.txt",
      "COPY a.txt /d/c.txt",
      "RUN mv /d /e && ln /e/c.txt /e/b",
      "COPY --chown=5:6 b.txt /e/",
      "RUN ls /e >/list",
    ),
  },
  {
    name: "file-from-stage",
    dockerfile: [
      "FROM localhost/box:1 AS one",
      "RUN mkdir -m 750 /out && echo o >/out/o && ln /out/o /out/p && chown -R app /out && rm -r /data",
      "FROM localhost/box:1 AS two",
      "COPY --from=one /out /in",
      "RUN echo more >>/in/p && rm /in/o",
      "FROM one",
      "COPY --from=two /in /out",
      "RUN stat -c '%n %U %a' /out/* >/list",
      "",
    ].join("\n"),
  },
  { name: "bare-nothing", dockerfile: on("bare", 'RUN ["/bin/true"]') },
  { name: "bare-folders", dockerfile: on("bare", "RUN mkdir -p /etc /tmp && echo x >/etc/x && echo t >/tmp/t") },
  {
    name: "bare-list",
    dockerfile: on("bare", "RUN for d in etc dev proc sys tmp run; do test -d /$d && echo $d; done >/list; true"),
  },
  { name: "odd-nothing", dockerfile: on("odd", "RUN true") },
  {
    name: "odd-files",
    dockerfile: on("odd", "RUN echo t >/tmp/t && rm /var/tmp/left && readlink /etc/resolv.conf >/var/target"),
  },
  { name: "odd-attributes", dockerfile: on("odd", "RUN chmod 700 /var && touch -d @1000000001 /var/tmp") },
  {
    name: "scratch-static",
    dockerfile: [
      "FROM scratch",
      "COPY --from=localhost/bare:1 /bin/busybox /busybox",
      'RUN ["/busybox", "mkdir", "/d"]',
      'RUN ["/busybox", "ln", "-s", "busybox", "/d/sh"]',
      'SHELL ["/busybox", "sh", "-c"]',
      "RUN echo here >/d/f && /busybox id >/d/id",
      "",
    ].join("\n"),
  },
];

/** Commands that change files. */
export const runFileCases: readonly DifferentialCase[] = [
  ...Object.entries(commands).map(([name, runs]) => ({
    name: `file-${name}`,
    dockerfile: onBox(...runs.map((each) => `RUN ${each}`)),
  })),
  ...others,
].map((item) => ({ ...item, context: "few" }));

/** A name that only the makers of layers know; buildah cannot even save what it built. */
export const runWhiteoutCases: readonly DifferentialCase[] = [
  {
    name: "file-whiteout-name",
    dockerfile: onBox("RUN echo x >/data/.wh.keep.txt"),
    context: "few",
    fails: ".wh.keep.txt",
  },
];
