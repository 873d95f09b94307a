import { on, onBox } from "./run_lines.ts";

/** An image that other programs run, and what that gives. */
export interface RunnableImage {
  readonly name: string;
  readonly dockerfile: string;
  /** Arguments after the name of the image. */
  readonly args?: readonly string[];
  /** Standard output. */
  readonly prints: string;
  /** 0 when left out. */
  readonly exitCode?: number;
}

/** Images whose files and config show in what running them gives. */
export const runnableImages: readonly RunnableImage[] = [
  { name: "command", dockerfile: onBox("RUN echo made >/made", 'CMD ["cat", "/made"]'), prints: "made\n" },
  {
    name: "command-given",
    dockerfile: onBox("RUN echo made >/made", 'CMD ["false"]'),
    args: ["sh", "-c", "cat /made /data/keep.txt"],
    prints: "made\nkeep\n",
  },
  {
    name: "command-shell",
    dockerfile: onBox('ENV WHO="you there"', "WORKDIR /work", "RUN echo f >f", 'CMD echo "$WHO in $PWD with $(ls)"'),
    prints: "you there in /work with f\n",
  },
  {
    name: "entrypoint",
    dockerfile: onBox(
      "COPY --chmod=755 <<EOF /entry",
      "#!/bin/sh",
      'for word; do echo "[\\$word]"; done; cat /state',
      "EOF",
      "RUN echo state >/state",
      'ENTRYPOINT ["/entry", "one"]',
      'CMD ["two words"]',
    ),
    prints: "[one]\n[two words]\nstate\n",
  },
  {
    name: "exit-code",
    dockerfile: onBox("RUN printf 'exit 7\\n' >/fail", 'CMD ["sh", "/fail"]'),
    prints: "",
    exitCode: 7,
  },
  {
    name: "user",
    dockerfile: onBox(
      "RUN echo late:x:77:78::/late:/bin/sh >>/etc/passwd && mkdir -m 700 /late && chown 77:78 /late",
      "USER late",
      "CMD id -u; id -g; echo $HOME; touch /late/f && ls /late; cat /root/private 2>/dev/null || echo refused",
    ),
    prints: "77\n78\n/late\nf\nrefused\n",
  },
  {
    name: "removed",
    dockerfile: onBox(
      "RUN rm -r /data && mkdir /data && echo new >/data/new && rm /links/a /kinds/null && mv /deep /bits/deep",
      "CMD ls -A /data /links; ls -d /deep /kinds/null 2>/dev/null; cat /bits/deep/1/2/3/4/5/6/f",
    ),
    prints: "/data:\nnew\n\n/links:\nb\nother\ndeep\n",
  },
  {
    name: "hardlinks",
    dockerfile: onBox(
      "RUN echo more >>/links/a && ln /data/keep.txt /again",
      "RUN echo most >>/links/other/c",
      "CMD cat /links/b && stat -c '%h %n' /links/a /data/keep.txt && echo later >>/again && cat /data/keep.txt",
    ),
    prints: "one of three\nmore\nmost\n3 /links/a\n2 /data/keep.txt\nkeep\nlater\n",
  },
  {
    name: "attributes",
    dockerfile: onBox(
      "RUN umask 077 && mkdir /d && mkfifo /d/p && mknod /d/n c 1 3 && ln -s p /d/l && echo f >/d/f && chmod 6711 /d/f",
      "RUN chown -h 5:6 /d/l && touch -d @1000000001 /d/f && truncate -s 5M /d/sparse",
      "CMD cd /d && stat -c '%n %F %a %u:%g %s' f l n p sparse && stat -c %Y f",
    ),
    prints:
      "f regular file 6711 0:0 2\nl symbolic link 777 5:6 1\nn character special file 600 0:0 0\np fifo 600 0:0 0\n" +
      "sparse regular file 644 0:0 5242880\n1000000001\n",
  },
  {
    name: "capability",
    dockerfile: onBox(
      "RUN mkdir /own && cp /bin/busybox /own/cat && setcap cap_dac_override=ep /own/cat",
      "USER app",
      'CMD ["/own/cat", "/root/private"]',
    ),
    prints: "private\n",
  },
  {
    name: "names",
    dockerfile: onBox(
      "RUN mkdir /n && cd /n && touch 'a b' $'c\\nd' ünïcode 日本 && echo s >'a b'",
      "CMD cd /n && ls | wc -l && cat a*",
    ),
    prints: "4\ns\n",
  },
  {
    name: "stages",
    dockerfile: [
      "FROM localhost/box:1 AS maker",
      "RUN --mount=type=cache,target=/cache mkdir /out && echo 1 >/cache/f && cp /cache/f /out/one && chown -R app /out",
      "FROM localhost/bare:1",
      "COPY --from=maker /out /out",
      "RUN --mount=from=maker,source=/data,target=/in cat /in/keep.txt >/out/keep",
      "CMD stat -c '%n %u' /out/*; cat /out/*; ls / | grep -E '^(in|etc)$' | grep -v etc",
      "",
    ].join("\n"),
    prints: "/out/keep 0\n/out/one 1001\nkeep\n1\n",
    exitCode: 1,
  },
  {
    name: "scratch",
    dockerfile: [
      "FROM scratch",
      "COPY --from=localhost/bare:1 /bin/busybox /busybox",
      'RUN ["/busybox", "sh", "-c", "echo from scratch >/text"]',
      'ENTRYPOINT ["/busybox"]',
      'CMD ["cat", "/text"]',
      "",
    ].join("\n"),
    prints: "from scratch\n",
  },
  {
    name: "own-network-files",
    dockerfile: on(
      "box",
      "RUN echo 10.9.9.9 written >>/etc/hosts; cp /etc/passwd /etc/copy",
      "CMD grep -c written /etc/hosts; grep -c of-the-base /etc/hosts; ls /etc | grep -v mtab",
    ),
    prints: "0\n0\ncopy\ngroup\nhostname\nhosts\npasswd\nresolv.conf\nshadow\n",
  },
];
