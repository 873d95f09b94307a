import type { DifferentialCase } from "./case.ts";

function onDebian(...lines: readonly string[]): string {
  return ["FROM localhost/debian:1", ...lines, ""].join("\n");
}

/** What people do on a Debian, as far as it needs no network. */
export const debianCases: readonly DifferentialCase[] = [
  {
    name: "debian-user",
    dockerfile: onDebian(
      "RUN useradd --create-home --uid 1500 --shell /bin/bash app && chage -d 1 app && usermod -aG staff app",
      "USER app",
      "WORKDIR /home/app/src",
      'RUN id >id && umask >>id && echo "$HOME" >>id && mkdir -p a/b && ln -s a c && ls -la /home/app | wc -l >>id',
    ),
  },
  {
    name: "debian-package",
    dockerfile: onDebian(
      "COPY package /package",
      "RUN chmod 755 /package/DEBIAN/postinst && dpkg-deb --root-owner-group --build /package /own.deb && rm -r /package",
      "RUN dpkg --install /own.deb && dpkg-query --show --showformat='${db:Status-Status}' own >/status && rm /own.deb /var/log/*.log",
      "RUN dpkg --purge own && rm /var/log/dpkg.log",
    ),
    files: {
      "package/DEBIAN/control":
        "Package: own\nVersion: 1\nArchitecture: all\nMaintainer: Some One <some@one.example>\nDescription: a test\n",
      "package/DEBIAN/postinst": "#!/bin/sh\nset -e\ndpkg-divert --rename --add /etc/issue\necho own >/etc/issue\n",
      "package/usr/share/own/data": "data\n",
      "package/etc/own.conf": "conf\n",
    },
  },
  {
    name: "debian-shell",
    dockerfile: onDebian(
      'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
      "RUN rm -rf /usr/share/{doc,man,locale,info} && mkdir -p /usr/share/man/man1 && echo $BASHPID >/pid",
      "RUN perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un(\"/socket\"))' && cp -a /usr/bin/passwd /p",
    ),
  },
  {
    name: "debian-pipefail",
    dockerfile: onDebian('SHELL ["/bin/bash", "-o", "pipefail", "-c"]', "RUN false | cat"),
    fails: "exit code",
  },
].map((item) => ({ ...item, context: "few" }));
