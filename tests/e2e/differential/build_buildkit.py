"""Builds images with the BuildKit inside a Docker daemon, over its socket and without the client's plugin.

Reads a JSON document on standard input: {"socket", "cases": [{"name", "context", "buildArgs", "labels", "target", "network"}]}.
Prints {name: null, or why it failed}. Two are built at a time. The context is sent as an archive, which is the form that needs no
session.
"""

import concurrent.futures, http.client, io, json, os, socket, sys, tarfile, urllib.parse


class Daemon(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def as_root(info, folder):
    """A member as the client sends it: owned by root, with its extended attributes."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = int(info.mtime)
    path = os.path.join(folder, info.name)
    if not info.issym():
        names = os.listxattr(path, follow_symlinks=False)
        info.pax_headers = {f"SCHILY.xattr.{n}": os.getxattr(path, n).decode() for n in names}
    return info


def pack(folder):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(os.listdir(folder)):
            archive.add(os.path.join(folder, name), name, filter=lambda info: as_root(info, folder))
    return out.getvalue()


def build(path, case):
    query = urllib.parse.urlencode({
        "version": "2", "t": f"case:{case['name']}", "target": case["target"], "networkmode": case["network"],
        "buildargs": json.dumps(case["buildArgs"]), "labels": json.dumps(case["labels"]),
    })
    daemon = Daemon(path)
    daemon.request("POST", f"/build?{query}", pack(case["context"]), {"Content-Type": "application/x-tar"})
    answer = daemon.getresponse().read().decode()
    for line in answer.splitlines():
        message = json.loads(line)
        if "error" in message:
            return message["error"]
        if "message" in message:
            return message["message"]
    return None


plan = json.load(sys.stdin)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    failures = pool.map(lambda case: build(plan["socket"], case), plan["cases"])
    json.dump({case["name"]: failure for case, failure in zip(plan["cases"], failures)}, sys.stdout)
