import type { DifferentialCase, Files } from "./case.ts";
import { on, onBox } from "./run_lines.ts";

/** What bind mounts show. */
const files: Files = {
  "src": { type: "directory", mode: 0o750 },
  "src/one.txt": { type: "file", text: "one\n", mode: 0o640 },
  "src/sub/two.txt": "two\n",
  "src/run.sh": { type: "file", text: "#!/bin/sh\necho script >/out\n", mode: 0o755 },
  "src/link": { type: "symlink", target: "one.txt" },
};

const list = (path: string): string => `cd ${path} && find . | sort | xargs stat -c '%n %F %a %u %g'`;

const binds: readonly DifferentialCase[] = [
  { name: "bind-context", dockerfile: onBox("RUN --mount=target=/ctx cat /ctx/a.txt /ctx/src/one.txt >/out") },
  { name: "bind-folder", dockerfile: onBox(`RUN --mount=type=bind,source=src,target=/ctx (${list("/ctx")}) >/out`) },
  {
    name: "bind-file",
    dockerfile: onBox("RUN --mount=type=bind,source=src/one.txt,target=/ctx/file cp -p /ctx/file /out"),
  },
  { name: "bind-script", dockerfile: onBox("RUN --mount=source=src/run.sh,target=/run.sh /run.sh") },
  {
    name: "bind-over-file",
    dockerfile: onBox("RUN --mount=source=a.txt,target=/data/keep.txt cat /data/keep.txt >/out"),
  },
  { name: "bind-over-folder", dockerfile: onBox("RUN --mount=source=src,target=/data ls /data >/out") },
  {
    name: "bind-written",
    dockerfile: onBox("RUN --mount=source=src,target=/ctx,rw echo lost >/ctx/new && rm /ctx/one.txt && ls /ctx >/out"),
  },
  {
    name: "bind-written-over-folder",
    dockerfile: onBox("RUN --mount=source=src,target=/data,readwrite echo lost >/data/new", "RUN ls /data >/out"),
  },
  {
    name: "bind-readonly",
    dockerfile: onBox("RUN --mount=source=src,target=/ctx echo x >/ctx/new"),
    fails: "exit code",
  },
  { name: "bind-deep-target", dockerfile: onBox("RUN --mount=source=src,target=/x/y/z cat /x/y/z/one.txt >/out") },
  { name: "bind-deep-target-kept", dockerfile: onBox("RUN --mount=source=src,target=/x/y/z echo kept >/x/y/kept") },
  {
    name: "bind-relative-target",
    dockerfile: onBox("WORKDIR /data", "RUN --mount=source=src,target=here/it cat here/it/one.txt >out"),
  },
  {
    name: "bind-target-by-link",
    dockerfile: onBox("RUN --mount=source=src,target=/kinds/folder/in cat /data/in/one.txt >/out"),
  },
  { name: "bind-in-tmp", dockerfile: onBox("RUN --mount=source=src,target=/tmp/ctx cat /tmp/ctx/one.txt >/out") },
  {
    name: "bind-two",
    dockerfile: onBox(
      "RUN --mount=source=src,target=/one --mount=source=src/sub,target=/two cat /one/one.txt /two/two.txt >/out",
    ),
  },
  {
    name: "bind-in-bind",
    dockerfile: onBox(
      "RUN --mount=source=src,target=/ctx --mount=source=a.txt,target=/ctx/sub/two.txt cat /ctx/sub/two.txt >/out",
    ),
  },
  { name: "bind-source-missing", dockerfile: onBox("RUN --mount=source=missing,target=/ctx true"), fails: "missing" },
  { name: "bind-source-climbs", dockerfile: onBox("RUN --mount=source=../../src,target=/ctx ls /ctx >/out") },
  { name: "bind-root-target", dockerfile: onBox("RUN --mount=source=src,target=/ true"), fails: "/" },
  { name: "bind-type-unknown", dockerfile: onBox("RUN --mount=type=other,target=/x true"), fails: "other" },
  { name: "bind-option-unknown", dockerfile: onBox("RUN --mount=source=src,target=/x,color=red true"), fails: "color" },
  {
    name: "bind-stage",
    dockerfile: [
      "FROM localhost/box:1 AS made",
      "RUN mkdir -m 711 /made && echo m >/made/m && chown -R app:staff /made && chmod 4755 /made/m && ln -s m /made/l",
      "FROM localhost/box:1",
      `RUN --mount=from=made,source=/made,target=/in (${list("/in")}) >/out`,
      "RUN --mount=from=made,target=/whole ls /whole/data >/out2 && cp -a /whole/made /copied",
      "",
    ].join("\n"),
  },
  {
    name: "bind-stage-written",
    dockerfile: [
      "FROM localhost/box:1 AS made",
      "RUN echo m >/m",
      "FROM made",
      "RUN --mount=from=made,target=/in,rw echo lost >/in/m && cat /in/m /m >/out",
      "RUN --mount=from=made,target=/in cat /in/m >>/out",
      "",
    ].join("\n"),
  },
  {
    name: "bind-image",
    dockerfile: on("bare", "RUN --mount=from=localhost/box:1,source=/data,target=/in cp -a /in /out"),
  },
  {
    name: "bind-image-file",
    dockerfile: on(
      "bare",
      "RUN --mount=from=localhost/box:1,source=/etc/passwd,target=/etc/passwd cat /etc/passwd >/out",
    ),
  },
  {
    name: "bind-stage-missing",
    dockerfile: onBox("RUN --mount=from=localhost/not-there:1,target=/in true"),
    fails: "not-there",
  },
  {
    name: "bind-variables",
    dockerfile: onBox(
      "ARG WHERE=/ctx",
      "ENV WHAT=src",
      "RUN --mount=source=$WHAT,target=${WHERE}/in cat /ctx/in/one.txt >/out",
    ),
    plain: onBox("ENV WHAT=src", "RUN --mount=source=src,target=/ctx/in cat /ctx/in/one.txt >/out"),
  },
  { name: "bind-on-bare", dockerfile: on("bare", "RUN --mount=source=src,target=/etc/in cat /etc/in/one.txt >/out") },
  {
    name: "bind-as-user",
    dockerfile: onBox(
      "USER app",
      "RUN --mount=source=src,target=/ctx cat /ctx/one.txt >/tmp/out 2>&1 || echo refused >/tmp/out",
    ),
  },
  {
    name: "bind-target-replaced",
    dockerfile: onBox("RUN --mount=source=src,target=/x/y rmdir /x/y 2>/dev/null || echo busy >/out"),
  },
];

const caches: readonly DifferentialCase[] = [
  {
    name: "cache-kept",
    dockerfile: onBox(
      "RUN --mount=type=cache,target=/cache/kept echo 1 >/cache/kept/f",
      "RUN --mount=type=cache,target=/cache/kept cat /cache/kept/f >/out",
    ),
  },
  {
    name: "cache-id",
    dockerfile: onBox(
      "RUN --mount=type=cache,id=own-id,target=/one echo 1 >/one/f",
      "RUN --mount=type=cache,id=own-id,target=/two --mount=type=cache,id=other-id,target=/three cat /two/f >/out; ls /three >>/out",
    ),
  },
  {
    name: "cache-over-folder",
    dockerfile: onBox(
      "RUN --mount=type=cache,id=over,target=/data ls /data >/out; echo lost >/data/keep.txt",
      "RUN ls /data >>/out",
    ),
  },
  {
    name: "cache-attributes",
    dockerfile: onBox(
      "RUN --mount=type=cache,id=attributes,target=/c stat -c '%a %u %g' /c >/out",
      "RUN --mount=type=cache,id=attributes-own,target=/c,mode=0710,uid=1001,gid=50 stat -c '%a %u %g' /c >>/out",
      "USER app",
      "RUN --mount=type=cache,id=attributes-own,target=/c,mode=0710,uid=1001,gid=50 touch /c/f",
    ),
  },
  {
    name: "cache-from-stage",
    dockerfile: [
      "FROM localhost/box:1 AS seed",
      "RUN mkdir -m 750 /seed && echo s >/seed/s && chown -R app /seed",
      "FROM localhost/box:1",
      `RUN --mount=type=cache,id=seeded,from=seed,source=/seed,target=/c (${list("/c")}) >/out && echo more >/c/more`,
      "RUN --mount=type=cache,id=seeded,from=seed,source=/seed,target=/c ls /c >>/out",
      "",
    ].join("\n"),
  },
  {
    name: "cache-sharing",
    dockerfile: onBox(
      "RUN --mount=type=cache,id=p,target=/p,sharing=private echo p >/p/f",
      "RUN --mount=type=cache,id=l,target=/l,sharing=locked echo l >/l/f",
      "RUN --mount=type=cache,id=l,target=/l,sharing=locked --mount=type=cache,id=s,target=/s,sharing=shared cat /l/f >/out; ls /s >>/out",
    ),
  },
  {
    name: "cache-readonly",
    dockerfile: onBox("RUN --mount=type=cache,id=ro,target=/c,ro touch /c/f"),
    fails: "exit code",
  },
  {
    name: "cache-sharing-unknown",
    dockerfile: onBox("RUN --mount=type=cache,target=/c,sharing=some true"),
    fails: "some",
  },
  {
    name: "cache-relative",
    dockerfile: onBox("WORKDIR /data", "RUN --mount=type=cache,target=.cache touch .cache/f && ls -a >/out"),
  },
];

const temporary: readonly DifferentialCase[] = [
  {
    name: "tmpfs",
    dockerfile: onBox(
      "RUN --mount=type=tmpfs,target=/scratch awk '$2 == \"/scratch\" { print $3 }' /proc/mounts >/out; echo x >/scratch/x",
    ),
  },
  {
    name: "tmpfs-over-folder",
    dockerfile: onBox("RUN --mount=type=tmpfs,target=/data ls /data >/out; echo x >/data/x; stat -c %a /data >>/out"),
  },
  { name: "tmpfs-over-tmp", dockerfile: onBox("RUN --mount=type=tmpfs,target=/tmp touch /tmp/x && mkdir /tmp/y") },
  {
    name: "tmpfs-size",
    dockerfile: onBox(
      "RUN --mount=type=tmpfs,target=/scratch,size=1m head -c 2000000 /dev/zero >/scratch/x 2>/dev/null || stat -c %s /scratch/x >/out",
    ),
    plain: onBox("RUN echo 1048576 >/out"),
  },
  {
    name: "tmpfs-below-bind",
    dockerfile: onBox(
      "RUN --mount=source=src,target=/ctx,rw --mount=type=tmpfs,target=/ctx/sub touch /ctx/sub/x && ls /ctx/sub >/out",
    ),
  },
];

const secrets: readonly DifferentialCase[] = [
  {
    name: "secret",
    dockerfile: onBox(
      "RUN --mount=type=secret,id=token sha256sum </run/secrets/token >/out; stat -c '%a %u %g' /run/secrets/token >>/out",
    ),
  },
  {
    name: "secret-target",
    dockerfile: onBox("RUN --mount=type=secret,id=token,target=/root/.token stat -c '%a %s' /root/.token >/out"),
  },
  {
    name: "secret-relative",
    dockerfile: onBox("WORKDIR /data", "RUN --mount=type=secret,id=token,dst=in/token cat in/token | wc -c >out"),
  },
  {
    name: "secret-owner",
    dockerfile: onBox(
      "USER app",
      "RUN --mount=type=secret,id=token,mode=0440,uid=1001,gid=50 stat -c '%a %u %g' /run/secrets/token >/tmp/out; wc -c </run/secrets/token >>/tmp/out",
    ),
  },
  {
    name: "secret-not-for-user",
    dockerfile: onBox("USER app", "RUN --mount=type=secret,id=token cat /run/secrets/token"),
    fails: "exit code",
  },
  {
    name: "secret-two",
    dockerfile: onBox("RUN --mount=type=secret,id=token --mount=type=secret,id=other cat /run/secrets/* | wc -c >/out"),
  },
  {
    name: "secret-next-step",
    dockerfile: onBox("RUN --mount=type=secret,id=token true", "RUN ls -A /run >/out; test ! -e /run/secrets/token"),
  },
  {
    name: "secret-over-file",
    dockerfile: onBox("RUN --mount=type=secret,id=token,target=/data/keep.txt wc -c </data/keep.txt >/out"),
  },
].map((item) => ({ ...item, secrets: { token: "hidden-word\n", other: "another\n" } }));

/** Compared with what the secret would be as a plain text, and without one. */
const secretsAlone: readonly DifferentialCase[] = [
  {
    name: "secret-variable",
    dockerfile: onBox('RUN --mount=type=secret,id=token,env=TOKEN printf %s "$TOKEN" | wc -c >/out; ls -A /run >>/out'),
    plain: onBox("RUN echo 11 >/out"),
    secrets: { token: "hidden-word" },
  },
  {
    name: "secret-variable-and-file",
    dockerfile: onBox(
      'RUN --mount=type=secret,id=token,env=TOKEN,target=/token test "$TOKEN" = "$(cat /token)" && echo same >/out',
    ),
    plain: onBox("RUN echo same >/out"),
    secrets: { token: "hidden-word" },
  },
  {
    name: "secret-missing",
    dockerfile: onBox("RUN --mount=type=secret,id=token ls -A /run >/out"),
    plain: onBox("RUN touch /out"),
  },
  {
    name: "secret-missing-required",
    dockerfile: onBox("RUN --mount=type=secret,id=token,required true"),
    fails: "token",
  },
  {
    name: "ssh-missing",
    dockerfile: onBox("RUN --mount=type=ssh echo ${SSH_AUTH_SOCK-none} >/out"),
    plain: onBox("RUN echo none >/out"),
  },
  { name: "ssh-missing-required", dockerfile: onBox("RUN --mount=type=ssh,required true"), fails: "SSH" },
  { name: "ssh-id-missing-required", dockerfile: onBox("RUN --mount=type=ssh,id=work,required true"), fails: "work" },
];

function withFiles(cases: readonly DifferentialCase[]): readonly DifferentialCase[] {
  return cases.map((item) => ({ ...item, name: `mount-${item.name}`, context: "few", files }));
}

/** RUN with mounts that every builder can be given. */
export const runMountCases = withFiles([...binds, ...caches, ...temporary, ...secretsAlone]);

/** RUN with secrets, which only some builders can be given here. */
export const runSecretCases = withFiles(secrets);
