import type { DifferentialCase } from "./case.ts";
import { on, onBox } from "./run_lines.ts";

/** Variables without those that the shell itself or a builder's habits bring. */
const variables = "env | grep -vE '^(SHLVL|_|OLDPWD|HOSTNAME)=' | sort";

const variableCases: readonly DifferentialCase[] = [
  { name: "env-plain", dockerfile: onBox(`RUN ${variables} >/env`) },
  { name: "env-default-path", dockerfile: on("bare", `RUN ${variables} >/env`) },
  { name: "env-of-base", dockerfile: on("configured", `RUN ${variables} >/tmp/env`) },
  {
    name: "env-and-arg",
    dockerfile: onBox(
      "ARG BEFORE=1",
      "ENV A=env TWO='two words' EMPTY=",
      `RUN ${variables} >/one`,
      "ARG A=arg",
      "ARG B",
      "ARG C=c d",
      `RUN ${variables} >/two`,
    ),
    buildArgs: { BEFORE: "given", B: "b given" },
  },
  {
    name: "env-arg-not-given",
    dockerfile: onBox(
      "ARG NONE",
      "ARG EMPTY=",
      `RUN ${variables} >/env; echo ${"${NONE-unset} ${EMPTY-unset}"} >>/env`,
    ),
  },
  {
    name: "env-arg-of-stage",
    dockerfile: [
      "ARG GLOBAL=global",
      "FROM localhost/box:1 AS one",
      "ARG GLOBAL",
      "ARG OWN=own",
      "ENV KEPT=$OWN",
      `RUN ${variables} >/one`,
      "FROM one",
      `RUN ${variables} >/two`,
      "",
    ].join("\n"),
  },
  {
    name: "env-arg-proxy",
    dockerfile: onBox(`RUN ${variables} >/proxies`),
    buildArgs: { http_proxy: "http://proxy.example:1", NO_PROXY: "a,b" },
  },
  {
    name: "env-strange",
    dockerfile: onBox('ENV A=\'$B\' C="a\\"b" D=a\\ b E="é 日本" F=\'  \'', `RUN ${variables} >/env`),
  },
  {
    name: "env-path",
    dockerfile: onBox(
      "RUN mkdir /own && cp /bin/busybox /own/busybox && ln -s busybox /own/id",
      "ENV PATH=/own:$PATH",
      "RUN which id >/which",
    ),
  },
  {
    name: "env-shell-expands",
    dockerfile: onBox("ENV A=env", "RUN A=own; echo $A ${A} '$A' \"$A\" \\$A $$0 | sed s/[0-9][0-9]*0/pid/ >/out"),
  },
  {
    name: "env-continued",
    dockerfile: onBox(
      "RUN echo one \\",
      "  # a comment",
      "    two \\",
      "",
      "  three >/out && \\",
      "# another",
      "  echo '  kept  ' >>/out",
    ),
  },
  { name: "env-escape", dockerfile: `# escape=\`\n${onBox("RUN echo one `", "  two \\three >/out")}` },
  {
    name: "env-target-platform",
    dockerfile: onBox("ARG TARGETARCH", "ARG BUILDPLATFORM", "RUN echo $TARGETARCH $BUILDPLATFORM >/out"),
  },
];

const formCases: readonly DifferentialCase[] = [
  { name: "form-exec", dockerfile: onBox('RUN ["/bin/sh", "-c", "echo $0 $1 >/out", "zero", "$HOME"]') },
  { name: "form-exec-path", dockerfile: onBox('RUN ["touch", "/with space", "/\\u00e9", "/$A"]') },
  { name: "form-exec-not-json", dockerfile: onBox("RUN ['touch', '/x'] || echo not json >/out") },
  { name: "form-exec-continued", dockerfile: onBox('RUN [ "touch", \\', '  "/a", \\', '  "/b" ]') },
  {
    name: "form-shell",
    dockerfile: onBox('SHELL ["/bin/busybox", "ash", "-euxc"]', "RUN echo $- >/out", "RUN echo ${UNSET-none} >>/out"),
  },
  { name: "form-shell-of-base", dockerfile: on("configured", "RUN echo $- >/tmp/out") },
  { name: "form-shell-not-there", dockerfile: onBox('SHELL ["/bin/no-shell", "-c"]', "RUN true"), fails: "no-shell" },
  {
    name: "form-heredoc",
    dockerfile: onBox(
      "ENV A=env",
      "RUN <<EOF",
      "echo $A >/out",
      "cd /data",
      "",
      "# comment",
      "echo 'it is' \"$PWD\" >>/out",
      "EOF",
    ),
    plain: onBox("ENV A=env", "RUN echo env >/out && echo 'it is /data' >>/out"),
  },
  {
    name: "form-heredoc-quoted",
    dockerfile: onBox("ARG A=arg", "RUN <<'EOF'", "echo $A >/out", "EOF"),
    plain: onBox("RUN echo arg >/out"),
  },
  {
    name: "form-heredoc-script",
    dockerfile: onBox("RUN <<EOF", "#!/bin/awk -f", 'BEGIN { print "by awk" >"/out" }', "EOF"),
    plain: onBox("RUN echo by awk >/out"),
  },
  {
    name: "form-heredoc-name",
    dockerfile: onBox("RUN <<script.sh", "#!/bin/sh", 'echo "$0" >/out; stat -c %a "$0" >>/out', "script.sh"),
    plain: onBox("RUN echo /dev/pipes/script.sh >/out; echo 755 >>/out"),
  },
  {
    name: "form-heredoc-input",
    dockerfile: onBox("RUN cat <<EOF >/out", "a $HOME", "EOF"),
    plain: onBox("RUN echo a /root >/out"),
  },
  {
    name: "form-heredoc-two",
    dockerfile: onBox("RUN cat <<one >/1 && cat <<-two >/2", "first", "one", "\tsecond", "\ttwo"),
    plain: onBox("RUN echo first >/1 && echo second >/2"),
  },
  {
    name: "form-heredoc-descriptor",
    dockerfile: onBox("RUN cat 3<<EOF <&3 >/out", "by three", "EOF"),
    plain: onBox("RUN echo by three >/out"),
  },
  {
    name: "form-heredoc-shell",
    dockerfile: onBox('SHELL ["/bin/sh", "-euc"]', "RUN <<EOF", "false", "touch /never", "EOF"),
    plain: onBox("RUN false"),
    fails: "exit code",
  },
  {
    name: "form-heredoc-interpreter",
    dockerfile: onBox("RUN awk '{ print NR, $0 }' <<EOF >/out", "a", "b", "EOF"),
    plain: onBox("RUN echo 1 a >/out; echo 2 b >>/out"),
  },
  {
    name: "form-onbuild",
    dockerfile: "FROM localhost/triggers:1\nRUN id -un >/tmp/after\n",
    buildArgs: { WHO: "given" },
  },
  {
    name: "form-onbuild-stage",
    dockerfile:
      "FROM localhost/box:1 AS a\nONBUILD RUN pwd >/trigger\nWORKDIR /data\nFROM a\nRUN cat /trigger >/after\nFROM a AS b\n",
  },
];

const exitCases: readonly DifferentialCase[] = [
  { name: "exit-code", dockerfile: onBox("RUN exit 3"), fails: "exit code 3" },
  {
    name: "exit-false",
    dockerfile: onBox("RUN true", "RUN echo before && false", "RUN touch /never"),
    fails: "exit code 1",
  },
  { name: "exit-signal", dockerfile: onBox("RUN sh -c 'kill -9 $$'; exit $?"), fails: "exit code 137" },
  { name: "exit-not-found", dockerfile: onBox("RUN no-such-program"), fails: "exit code 127" },
  { name: "exit-exec-not-found", dockerfile: onBox('RUN ["no-such-program"]'), fails: "no-such-program" },
  { name: "exit-exec-not-executable", dockerfile: onBox('RUN ["/data/keep.txt"]'), fails: "/data/keep.txt" },
  { name: "exit-pipe", dockerfile: onBox("RUN false | cat; false || true") },
  { name: "exit-leaves-process", dockerfile: onBox("RUN (sleep 1000; touch /late) & echo started >/out") },
  {
    name: "exit-of-used-stage",
    dockerfile: "FROM localhost/box:1 AS a\nRUN exit 4\nFROM scratch\nCOPY --from=a /data /\n",
    fails: "exit code 4",
  },
  {
    name: "exit-of-unused-stage",
    dockerfile: "FROM localhost/box:1 AS a\nRUN exit 4\nFROM localhost/box:1\nRUN echo b >/b\n",
  },
];

const worldCases: readonly DifferentialCase[] = [
  { name: "world-umask", dockerfile: onBox("RUN umask >/out && touch /f && mkdir /d") },
  {
    name: "world-input",
    dockerfile: onBox("RUN cat >/out; ls /proc/self/fd | head -n 3 >>/out"),
  },
  {
    name: "world-processes",
    dockerfile: onBox("RUN echo $$ >/out; test $(ls -d /proc/[0-9]* | wc -l) -lt 9 && echo few >>/out"),
  },
  {
    name: "world-terminal",
    dockerfile: onBox(
      "RUN test -t 1 || echo none >/out; test -t 0 || echo none >>/out; (: >/dev/tty) 2>/dev/null || echo none >>/out",
    ),
  },
  {
    name: "world-devices",
    dockerfile: onBox(
      "RUN cd /dev && stat -c '%N %F %a %t:%T' null zero full random urandom tty fd stdin stdout stderr ptmx shm mqueue pts | tr -d \"'\" >/out",
      "RUN head -c 3 /dev/zero | od >/zero; echo gone >/dev/null; head -c 1 /dev/urandom | wc -c >>/zero; (echo x >/dev/full) 2>/dev/null || echo full >>/zero",
    ),
  },
  {
    name: "world-mounts",
    dockerfile: onBox(
      'RUN awk \'$2 ~ "^(/|/proc|/dev|/dev/pts|/dev/shm|/dev/mqueue|/sys)$" { print $2 == "/" ? "root" : $3, $2 }\' /proc/mounts | sort >/out',
      "RUN awk '$2 ~ \"^/(proc|sys)$\" { print $2, $4 }' /proc/mounts | sed -E 's/,relatime//' | sort >/flags",
    ),
  },
  {
    name: "world-hidden",
    dockerfile: onBox(
      'RUN for f in /proc/kcore /proc/keys /proc/timer_list /sys/firmware; do test -z "$(head -c 1 $f 2>/dev/null; ls $f 2>/dev/null | grep -v ^/)" && echo $f; done >/hidden',
      "RUN for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/x /proc/bus/x /sys/x; do (: >$f) 2>/dev/null || echo $f; done >/refused",
    ),
  },
  {
    name: "world-refused",
    dockerfile: onBox(
      "RUN mount -t tmpfs none /data 2>/dev/null || echo mount >>/refused; umount /proc 2>/dev/null || echo umount >>/refused",
      "RUN hostname other 2>/dev/null || echo hostname >>/refused; date -s @0 >/dev/null 2>&1 || echo date >>/refused",
      "RUN chroot / true && echo chroot >>/allowed; mknod /dev/own c 1 3 && echo mknod >>/allowed; kill -0 1 && echo kill >>/allowed",
    ),
  },
  {
    name: "world-hostname",
    dockerfile: onBox(
      'RUN test "$(hostname)" != "$(cat /proc/version)" && test -n "$(hostname)" && cat /etc/hosts | grep -c localhost >/out',
    ),
  },
  { name: "world-network-host", dockerfile: onBox("RUN ls /sys/class/net >/out") },
  { name: "world-network-none", dockerfile: onBox("RUN ls /sys/class/net >/out"), network: "none" },
  {
    name: "world-network-flag-none",
    dockerfile: onBox("RUN --network=none ls /sys/class/net >/out", "RUN --network=default true"),
    plain: onBox("RUN echo lo >/out", "RUN true"),
  },
  { name: "world-network-flag-host", dockerfile: onBox("RUN --network=host true"), plain: onBox("RUN true") },
  {
    name: "world-directory-made",
    dockerfile: onBox("WORKDIR /made/by/it", "RUN pwd >out", "WORKDIR ../then", "RUN pwd >out"),
  },
  {
    name: "world-directory-of-base",
    dockerfile: on("configured", "RUN pwd >/tmp/out && echo f 2>/dev/null >f || ls -ld . | cut -c1-10 >>/tmp/out"),
  },
  { name: "world-directory-removed", dockerfile: onBox("WORKDIR /w/x", "RUN rm -r /w", "RUN pwd >out") },
  {
    name: "world-directory-is-link",
    dockerfile: onBox("WORKDIR /kinds/folder/sub", "RUN pwd >/out; pwd -P >>/out; touch here"),
  },
  {
    name: "world-directory-is-file",
    dockerfile: onBox("RUN rm -r /data && touch /data", "WORKDIR /data", "RUN true"),
    fails: "/data",
  },
  {
    name: "world-directory-of-user",
    dockerfile: onBox("USER app", "WORKDIR /new/for/app", "RUN ls -ldn . | cut -d' ' -f1 >/tmp/out; touch x"),
  },
  { name: "world-limits", dockerfile: onBox("RUN for l in c d f l m p s t v; do echo $l $(ulimit -$l); done >/out") },
];

const networkFiles: readonly DifferentialCase[] = [
  {
    name: "net-files-not-kept",
    dockerfile: onBox("RUN cat /etc/hosts /etc/resolv.conf /etc/hostname >/dev/null; touch /etc/other"),
  },
  { name: "net-files-removed-before", dockerfile: on("bare", "RUN mkdir -p /etc && echo own >/etc/own") },
  { name: "net-files-own", dockerfile: onBox("COPY a.txt /etc/hosts", "COPY b.txt /etc/resolv.conf", "RUN touch /x") },
];

/** What docker's old builder and buildah let a command write, and BuildKit does not. */
const written: readonly DifferentialCase[] = [
  {
    name: "net-files-written",
    dockerfile: onBox("RUN for f in hosts resolv.conf hostname; do echo written >/etc/$f; done"),
  },
  { name: "net-files-appended-bare", dockerfile: on("bare", "RUN echo 10.9.9.9 more >>/etc/hosts; echo x >/x") },
];

/** Flags of the command line that commands feel. */
const flagged: readonly DifferentialCase[] = [
  {
    name: "flag-ulimit",
    dockerfile: onBox("RUN ulimit -n >/out; ulimit -Hn >>/out; ulimit -c >>/out; ulimit -t >>/out"),
    flags: ["--ulimit", "nofile=100:200", "--ulimit", "core=0", "--ulimit", "cpu=50"],
  },
  {
    name: "flag-shm-size",
    dockerfile: onBox("RUN df -k /dev/shm | awk 'NR == 2 { print $2 }' >/out"),
    flags: ["--shm-size", "32m"],
  },
  {
    name: "flag-add-host",
    dockerfile: onBox("RUN grep -E 'db|cache' /etc/hosts | awk '{ print $1, $2 }' >/out", "RUN touch /etc/next"),
    flags: ["--add-host", "db:10.0.0.7", "--add-host", "cache.example:fe80::1"],
  },
];

function withFew(cases: readonly DifferentialCase[]): readonly DifferentialCase[] {
  return cases.map((item) => ({ ...item, context: "few" }));
}

/** Commands that show what they run in, and forms of RUN. */
export const runEnvironmentCases = withFew([
  ...variableCases,
  ...formCases,
  ...exitCases,
  ...worldCases,
  ...networkFiles,
]);

/** Commands under flags. */
export const runFlagCases = withFew(flagged);

/** Commands that write the files about the network. */
export const runNetworkFileCases = withFew(written);
