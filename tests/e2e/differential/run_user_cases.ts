import type { DifferentialCase } from "./case.ts";
import { on, onBox } from "./run_lines.ts";

/** Who a command runs as and what it may do, written to files that anybody may write. */
const whoami = "RUN id -u >/tmp/who; id -g >>/tmp/who; id -G >>/tmp/who; echo $HOME >>/tmp/who; pwd >>/tmp/who";

const users: Readonly<Record<string, string>> = {
  "name": "app",
  "number": "1001",
  "number-as-name": "55",
  "number-unknown": "4242",
  "name-and-group": "app:staff",
  "number-and-group": "4242:60",
  "name-and-number": "app:4343",
  "root-and-group": "root:appgroup",
  "root": "root",
  "zero": "0",
  "homeless": "homeless",
};

const others: readonly DifferentialCase[] = [
  { name: "user-none", dockerfile: onBox(whoami) },
  { name: "user-unknown-name", dockerfile: onBox("USER nobody-here", "RUN true"), fails: "nobody-here" },
  { name: "user-unknown-group", dockerfile: onBox("USER app:nothing-here", "RUN true"), fails: "nothing-here" },
  {
    name: "user-of-base",
    dockerfile: on("configured", whoami, "USER root", whoami.replaceAll("/tmp/who", "/tmp/root")),
  },
  { name: "user-home-of-env", dockerfile: onBox("ENV HOME=/own/home", "USER app", whoami) },
  { name: "user-without-files", dockerfile: on("bare", "USER 5:6", 'RUN ["/bin/true"]') },
  { name: "user-name-without-files", dockerfile: on("bare", "USER app", 'RUN ["/bin/true"]'), fails: "app" },
  {
    name: "user-made-before",
    dockerfile: onBox(
      "RUN echo late:x:77:78::/late:/bin/sh >>/etc/passwd && echo lategroup:x:79:late >>/etc/group",
      "USER late",
      whoami,
    ),
  },
  {
    name: "user-owns",
    dockerfile: onBox(
      "USER app",
      "WORKDIR /home/app/work",
      "RUN echo f >f && mkdir d && ln -s f l && mkfifo p && touch /tmp/t && ln f g",
      "USER 7:8",
      "RUN echo g >/tmp/g && echo n >/bits/sticky/n",
    ),
  },
  { name: "user-may-not", dockerfile: onBox("USER app", "RUN echo x >/etc/x"), fails: "exit code" },
  {
    name: "user-may-not-read",
    dockerfile: onBox("USER app", "RUN cat /root/private >/tmp/x 2>/dev/null || echo refused >/tmp/x; ls -l /home/app"),
  },
  {
    name: "user-capabilities",
    dockerfile: onBox(
      "RUN grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status >/tmp/root",
      "USER app",
      "RUN grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status >/tmp/app",
    ),
  },
  {
    name: "user-file-capability",
    dockerfile: onBox(
      "RUN mkdir /own && cp /bin/busybox /own/cat && setcap cap_dac_override=ep /own/cat",
      "USER app",
      "RUN /own/cat /root/private >/tmp/private",
    ),
  },
  {
    name: "user-setuid-program",
    dockerfile: onBox(
      "RUN cp /bin/busybox /bin/own && chmod 4755 /bin/own && cp /bin/getcap /bin/setcap /root && chmod 4755 /root/setcap && mv /root/setcap /sc",
      "USER app",
      "RUN cp /data/keep.txt /tmp/f && /sc cap_kill=ep /tmp/f",
    ),
  },
  { name: "user-variable", dockerfile: onBox("ARG WHO=app", "ENV G=staff", "USER $WHO:$G", whoami) },
  {
    name: "user-changes",
    dockerfile: onBox(
      "USER app",
      "RUN touch /tmp/a",
      "USER 0",
      "RUN chown -R 9 /tmp/a && touch /tmp/b",
      "USER 9",
      "RUN rm /tmp/a",
    ),
  },
];

/** Commands that users other than root run. */
export const runUserCases: readonly DifferentialCase[] = [
  ...Object.entries(users).map(([name, user]) => ({
    name: `user-${name}`,
    dockerfile: onBox(`USER ${user}`, whoami, "RUN touch /tmp/mine"),
  })),
  ...others,
].map((item) => ({ ...item, context: "few" }));
