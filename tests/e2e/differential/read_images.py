"""Reads archives as `docker save` writes them and prints what their images hold, as JSON.

Arguments: paths of archives. Prints {tag: {"config": {...}, "platform": "...", "author": "...", "layers": n,
"history": n, "files": {path: {...}}}}, the tag without its repository. Layers are merged here, with Python's tarfile:
a second reading of the format that shares no code with strata.
"""

import hashlib, json, os, posixpath, sys, tarfile

KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink",
    tarfile.FIFOTYPE: "fifo", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block",
}


class Inode:
    """What one or several names stand for."""

    def __init__(self, facts):
        self.facts = facts


def read_member(archive, name):
    info = archive.getmember(name)
    for _ in range(8):
        if not info.issym():
            break
        info = archive.getmember(posixpath.normpath(posixpath.join(posixpath.dirname(info.name), info.linkname)))
    return archive.extractfile(info)


def facts_of(layer, info):
    facts = {"type": KINDS[info.type], "mode": oct(info.mode & 0o7777), "uid": info.uid, "gid": info.gid}
    prefix = "SCHILY.xattr."
    xattrs = {k[len(prefix):]: v for k, v in info.pax_headers.items() if k.startswith(prefix)}
    if xattrs:
        facts["xattrs"] = xattrs
    if info.isfile():
        data = layer.extractfile(info).read()
        facts.update(size=len(data), sha256=hashlib.sha256(data).hexdigest(), mtime=int(info.mtime))
    elif info.issym():
        facts.update(target=info.linkname)
        del facts["mode"]
    elif info.ischr() or info.isblk():
        facts.update(device=f"{info.devmajor}:{info.devminor}")
    return facts


def remove(files, path, keep_itself=False):
    for known in list(files):
        if known.startswith(path + "/") or path == "" or (known == path and not keep_itself):
            del files[known]


def merge(files, layer):
    members = [(posixpath.normpath("/" + info.name).strip("/"), info) for info in layer]
    for path, info in members:
        folder, name = posixpath.split(path)
        if name == ".wh..wh..opq":
            remove(files, folder, keep_itself=True)
        elif name.startswith(".wh."):
            remove(files, posixpath.join(folder, name[4:]))
    for path, info in members:
        if path == "" or posixpath.basename(path).startswith(".wh."):
            continue
        if info.islnk():
            files[path] = files[posixpath.normpath("/" + info.linkname).strip("/")]
            continue
        if not info.isdir():
            remove(files, path)
        files[path] = Inode(facts_of(layer, info))


def files_of(archive, names):
    files = {}
    for name in names:
        with tarfile.open(fileobj=read_member(archive, name)) as layer:
            merge(files, layer)
    paths = {}
    for path, inode in files.items():
        paths.setdefault(id(inode), []).append(path)
    result = {}
    for path, inode in sorted(files.items()):
        same = sorted(paths[id(inode)])
        result[path] = {**inode.facts, **({"links": same} if len(same) > 1 else {})}
    return result


def read_archive(path):
    images = {}
    with tarfile.open(path) as archive:
        for record in json.load(read_member(archive, "manifest.json")):
            config = json.load(read_member(archive, record["Config"]))
            image = {
                "config": config.get("config", {}),
                "platform": config["os"] + "/" + config["architecture"],
                "author": config.get("author", ""),
                "layers": len(config["rootfs"]["diff_ids"]),
                "history": sum(1 for entry in config["history"] if not entry.get("empty_layer")),
                "files": files_of(archive, record["Layers"]),
            }
            images.update({tag.rsplit(":", 1)[1]: image for tag in record["RepoTags"] or []})
    return images


merged = {}
for argument in sys.argv[1:]:
    merged.update(read_archive(os.fspath(argument)))
json.dump(merged, sys.stdout)
