import type { DifferentialCase } from "./case.ts";

function onBase(text: string): string {
  return `FROM localhost/base:1\n${text}\n`;
}

function onRich(text: string): string {
  return `FROM localhost/rich:1\n${text}\n`;
}

const cases: readonly DifferentialCase[] = [
  { name: "inherit-all", dockerfile: "FROM localhost/rich:1\n" },
  { name: "inherit-and-label", dockerfile: onRich("LABEL both=own own=1") },
  { name: "scratch-config", dockerfile: 'FROM scratch\nCOPY a.txt /\nENV A=b\nCMD ["/x"]\n' },
  {
    name: "env-forms",
    dockerfile: onBase(
      "ENV A=1 B='two words' C=\"three $A\" D=four\\ words E=\nENV F legacy value = with  all\nENV G=$F",
    ),
  },
  { name: "env-same-line", dockerfile: onBase("ENV a=hello\nENV a=bye b=$a\nENV c=$a") },
  { name: "env-order", dockerfile: onRich("ENV NEW=1\nENV BASE=changed\nENV PATH=/own:$PATH") },
  {
    name: "env-modifiers",
    dockerfile: onBase("ENV X=x\nENV A=${X:-d} B=${Y:-d} C=${X:+p} D=[${Y:+p}] G=\\$X H='$X' I=[$Xx] J=${X}x"),
  },
  {
    name: "env-new-modifiers",
    dockerfile: onBase(
      "ENV X=a.b.c\nENV A=${Y-d} B=${X+p} C=${X#*.} D=${X##*.} E=${X%.*} F=${X%%.*} G=${X/./-} H=${X//./-}",
    ),
    plain: onBase("ENV X=a.b.c\nENV A=d B=p C=b.c D=c E=a.b F=a G=a-b.c H=a-b-c"),
  },
  { name: "env-quotes", dockerfile: onBase('ENV A="a\\"b" B=\'a"b\' C=a\\\\b D="a\\nb" E="" F=\'\'') },
  { name: "env-continued", dockerfile: onBase("ENV A=1 \\\n  # a comment\n  B=2 \\\n\n  C=3") },
  { name: "env-escape-directive", dockerfile: "# escape=`\nFROM localhost/base:1\nENV A=a`\n  B=c:\\dir C=`$A\n" },
  { name: "arg-default", dockerfile: onBase("ARG A=one\nARG B\nENV RESULT=[$A][$B]") },
  {
    name: "arg-given",
    dockerfile: onBase("ARG A=one\nARG B\nENV RESULT=[$A][$B]"),
    buildArgs: { A: "given", B: "too" },
  },
  {
    name: "arg-scope",
    dockerfile: "ARG G=global\nFROM localhost/base:1 AS x\nENV IN=[$G]\nARG G\nENV AFTER=[$G]\nFROM x\nENV LAST=[$G]\n",
  },
  { name: "arg-from", dockerfile: "ARG V=1\nARG NAME=localhost/base:$V\nFROM $NAME\nENV N=[$NAME]\n" },
  {
    name: "arg-from-given",
    dockerfile: "ARG NAME=nothing\nFROM localhost/${NAME}:1\nARG NAME=other\nENV N=$NAME\n",
    buildArgs: { NAME: "rich" },
  },
  {
    name: "env-beats-arg",
    dockerfile: onBase("ARG A=arg\nENV A=env\nARG A=again\nLABEL a=$A"),
    buildArgs: { A: "given" },
  },
  { name: "arg-before-declared", dockerfile: onBase("LABEL before=[$A]\nARG A=x\nLABEL after=[$A]") },
  {
    name: "label-forms",
    dockerfile: onBase('LABEL a=1 b=\'two words\' "c d"=e f="line\\\nnext"\nLABEL legacy the rest of it\nLABEL a=2'),
  },
  { name: "label-flag", dockerfile: onRich("LABEL own=1"), labels: { own: "flag", added: "x y" } },
  {
    name: "label-flag-stages",
    dockerfile: "FROM localhost/base:1 AS a\nLABEL stage=a\nFROM a\n",
    labels: { stage: "flag" },
  },
  { name: "expose", dockerfile: onBase("EXPOSE 80 443/tcp 53/udp 8000-8003 9000-9001/udp\nARG P=99\nEXPOSE $P/TCP") },
  { name: "expose-inherited", dockerfile: onRich("EXPOSE 80 81") },
  { name: "expose-bad", dockerfile: onBase("EXPOSE seventy"), fails: "seventy" },
  { name: "volume-forms", dockerfile: onBase('VOLUME /a /b\nVOLUME ["/c d", "/e"]\nENV V=/f\nVOLUME $V') },
  { name: "volume-inherited", dockerfile: onRich("VOLUME relative") },
  { name: "volume-empty", dockerfile: onBase('VOLUME [""]'), fails: "VOLUME" },
  { name: "user", dockerfile: onBase("USER app\nARG U=12:34\nUSER $U") },
  { name: "user-inherited", dockerfile: onRich("USER root") },
  { name: "cmd-exec", dockerfile: onBase('CMD ["a", "b c", "$D"]') },
  { name: "cmd-shell", dockerfile: onBase("CMD echo $HOME && \\\n  true") },
  { name: "cmd-not-json", dockerfile: onBase("CMD ['a', 'b']") },
  { name: "cmd-empty", dockerfile: onRich("CMD []") },
  { name: "cmd-last-wins", dockerfile: onBase('CMD ["one"]\nCMD ["two"]') },
  { name: "entrypoint-exec", dockerfile: onBase('ENTRYPOINT ["/e", "-x"]\nCMD ["arg"]') },
  { name: "entrypoint-shell", dockerfile: onBase("ENTRYPOINT exec top -b") },
  { name: "entrypoint-resets-cmd", dockerfile: onRich('ENTRYPOINT ["/own"]') },
  { name: "entrypoint-keeps-own-cmd", dockerfile: onRich('CMD ["mine"]\nENTRYPOINT ["/own"]') },
  { name: "entrypoint-empty", dockerfile: onRich("ENTRYPOINT []") },
  {
    name: "entrypoint-stage-resets-cmd",
    dockerfile: 'FROM localhost/base:1 AS a\nCMD ["first"]\nFROM a\nENTRYPOINT ["/own"]\n',
  },
  { name: "shell", dockerfile: onBase('SHELL ["/bin/bash", "-ec"]\nCMD echo hi\nENTRYPOINT run') },
  { name: "shell-inherited", dockerfile: onRich("CMD echo hi") },
  { name: "shell-bad", dockerfile: onBase("SHELL /bin/sh -c"), fails: "SHELL" },
  { name: "stopsignal", dockerfile: onBase("STOPSIGNAL SIGKILL\nARG S=9\nSTOPSIGNAL $S") },
  { name: "stopsignal-name", dockerfile: onBase("STOPSIGNAL RTMIN+3") },
  { name: "stopsignal-bad", dockerfile: onBase("STOPSIGNAL SIGNONE"), fails: "SIGNONE" },
  {
    name: "health-exec",
    dockerfile: onBase(
      'HEALTHCHECK --interval=1m30s --timeout=2s --start-period=500ms --retries=4 CMD ["/check", "x"]',
    ),
  },
  { name: "health-shell", dockerfile: onBase("HEALTHCHECK --interval=10s CMD curl -f http://localhost || exit 1") },
  { name: "health-none", dockerfile: onRich("HEALTHCHECK NONE") },
  { name: "health-replaces", dockerfile: onRich("HEALTHCHECK CMD /own") },
  {
    name: "health-zero",
    dockerfile: onBase("HEALTHCHECK --interval=0s --retries=0 CMD x"),
    plain: onBase("HEALTHCHECK CMD x"),
  },
  {
    name: "health-start-interval",
    dockerfile: onBase("HEALTHCHECK --start-period=1m --start-interval=2s CMD x"),
  },
  { name: "health-too-short", dockerfile: onBase("HEALTHCHECK --interval=10us CMD x"), fails: "interval" },
  { name: "health-none-args", dockerfile: onBase("HEALTHCHECK NONE x"), fails: "NONE" },
  { name: "maintainer", dockerfile: onBase("MAINTAINER Some One <some@one.example>") },
  { name: "workdir-new", dockerfile: onBase("WORKDIR /made/by/workdir") },
  { name: "workdir-existing", dockerfile: onBase("WORKDIR /owned") },
  { name: "workdir-relative", dockerfile: onRich("WORKDIR a\nWORKDIR ../b\nWORKDIR c/") },
  { name: "workdir-root", dockerfile: onBase("WORKDIR /") },
  { name: "workdir-user", dockerfile: onBase("USER app\nWORKDIR /home/app/src") },
  { name: "workdir-user-group", dockerfile: onBase("USER 5:6\nWORKDIR /own/dir") },
  { name: "workdir-link", dockerfile: onBase("WORKDIR /link/new\nCOPY a.txt .") },
  { name: "workdir-variable", dockerfile: onBase("ENV D=/var/dir\nWORKDIR $D/x\nCOPY a.txt y/") },
  { name: "workdir-over-file", dockerfile: onBase("WORKDIR /file"), fails: "/file" },
  { name: "workdir-scratch", dockerfile: "FROM scratch\nWORKDIR /w\nCOPY a.txt .\n" },
  { name: "case-of-instructions", dockerfile: "from localhost/base:1 as Stage\nenv A=1\nFrom stage\nlabel b=$A\n" },
  { name: "case-of-stages", dockerfile: "FROM localhost/base:1 AS Stage\nFROM sTaGe\nLABEL a=b\n" },
  { name: "onbuild-stored", dockerfile: onBase('ONBUILD COPY a.txt /x/\nONBUILD ENV A=$B\nONBUILD CMD ["x"]') },
  { name: "onbuild-run", dockerfile: "FROM localhost/triggers:1\nCOPY b.txt .\n" },
  { name: "onbuild-run-arg", dockerfile: "FROM localhost/triggers:1\n", buildArgs: { WHO: "given" } },
  {
    name: "onbuild-stage",
    dockerfile: "FROM localhost/base:1 AS a\nONBUILD COPY a.txt /trigger/\nONBUILD ENV ON=1\nFROM a\nENV OFF=1\n",
  },
  { name: "onbuild-grandchild", dockerfile: "FROM localhost/triggers:1 AS a\nFROM a\nENV LAST=1\n" },
  { name: "onbuild-from", dockerfile: onBase("ONBUILD FROM x"), fails: "ONBUILD" },
  { name: "onbuild-onbuild", dockerfile: onBase("ONBUILD ONBUILD ENV A=1"), fails: "ONBUILD" },
];

/** Instructions that change the config only, and WORKDIR. */
export const configCases: readonly DifferentialCase[] = cases.map((item) => ({ ...item, context: "few" }));
