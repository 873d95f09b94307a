"""Reads archives as `docker save` writes them and prints what their images hold, as JSON.

Arguments: paths of archives. Prints {tag: {"config": {...}, "platform": "...", "author": "...", "layers": n,
"history": n, "commands": [...], "names": [[...], ...], "files": {path: {...}}}}, the tag without its repository. "commands"
are the texts of RUN in the history, "names" what each layer has besides folders. The root is the file "/". Layers are merged here,
with Python's tarfile: a second reading of the format that shares no code with strata.
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


class Files:
    """The files of an image by path."""

    def __init__(self):
        root = {"type": "directory", "mode": oct(0o755), "uid": 0, "gid": 0, "folderTime": 0}
        self.inodes = {"": Inode(root)}
        self.parents = set()

    def put(self, path, inode):
        self.inodes[path] = inode
        while path:
            path = posixpath.dirname(path)
            self.parents.add(path)

    def remove(self, path, keep_itself=False):
        if path not in self.inodes and path not in self.parents:
            return
        for known in list(self.inodes) if path in self.parents else [path]:
            if known != "" and (path == "" or known.startswith(path + "/") or (known == path and not keep_itself)):
                del self.inodes[known]


def find_member(archive, name):
    info = archive.getmember(name)
    for _ in range(8):
        if not info.issym():
            break
        info = archive.getmember(posixpath.normpath(posixpath.join(posixpath.dirname(info.name), info.linkname)))
    return info


def read_member(archive, name):
    return archive.extractfile(find_member(archive, name))


def content_of(data):
    """The content itself where people can read it in the message of a failed test, else its digest."""
    try:
        return data.decode() if len(data) < 500 else hashlib.sha256(data).hexdigest()
    except UnicodeDecodeError:
        return hashlib.sha256(data).hexdigest()


def facts_of(layer, info):
    facts = {"type": KINDS[info.type], "mode": oct(info.mode & 0o7777), "uid": info.uid, "gid": info.gid}
    prefix = "SCHILY.xattr."
    xattrs = {k[len(prefix):]: v for k, v in info.pax_headers.items() if k.startswith(prefix)}
    if xattrs:
        facts["xattrs"] = xattrs
    if info.isfile():
        data = layer.extractfile(info).read()
        facts.update(size=len(data), content=content_of(data), mtime=int(info.mtime))
    elif info.isdir():
        facts.update(folderTime=int(info.mtime))
    elif info.issym():
        facts.update(target=info.linkname)
        del facts["mode"]
    elif info.ischr() or info.isblk():
        facts.update(device=f"{info.devmajor}:{info.devminor}")
    return facts


def path_of(name):
    return posixpath.normpath("/" + name).strip("/")


def read_layer(archive, name, known):
    """What a layer has: (path, path that it is a hard link to or None, facts). Layers that images share are read once."""
    info = find_member(archive, name)
    if info.name not in known:
        with tarfile.open(fileobj=archive.extractfile(info)) as layer:
            known[info.name] = [
                (path_of(each.name), path_of(each.linkname), None) if each.islnk()
                else (path_of(each.name), None, facts_of(layer, each))
                for each in layer
            ]
    return known[info.name]


def merge(files, layer):
    for path, _, _ in layer:
        folder, name = posixpath.split(path)
        if name == ".wh..wh..opq":
            files.remove(folder, keep_itself=True)
        elif name.startswith(".wh."):
            files.remove(posixpath.join(folder, name[4:]))
    for path, link, facts in layer:
        if posixpath.basename(path).startswith(".wh."):
            continue
        if link is not None:
            files.put(path, files.inodes[link])
            continue
        if facts["type"] != "directory":
            files.remove(path)
        files.put(path, Inode(facts))


def files_of(layers):
    files = Files()
    for layer in layers:
        merge(files, layer)
    paths = {}
    for path, inode in files.inodes.items():
        paths.setdefault(id(inode), []).append(path)
    result = {}
    for path, inode in sorted(files.inodes.items()):
        same = sorted(paths[id(inode)])
        result[path or "/"] = {**inode.facts, **({"links": same} if len(same) > 1 else {})}
    return result


def names_of(layer):
    return sorted(path for path, _, facts in layer if facts is None or facts["type"] != "directory")


def commands_of(history):
    """What RUN ran. BuildKit puts the instruction before it; the others do not, and mark what is no command."""
    texts = [entry.get("created_by", "").removesuffix(" # buildkit") for entry in history if not entry.get("empty_layer")]
    others = ("ADD ", "COPY ", "WORKDIR ", "base")
    return [text.removeprefix("RUN ") for text in texts if "#(nop)" not in text and not text.startswith(others)]


def read_archive(path):
    images, known = {}, {}
    with tarfile.open(path) as archive:
        for record in json.load(read_member(archive, "manifest.json")):
            config = json.load(read_member(archive, record["Config"]))
            layers = [read_layer(archive, name, known) for name in record["Layers"]]
            image = {
                "config": config.get("config", {}),
                "platform": config["os"] + "/" + config["architecture"],
                "author": config.get("author", ""),
                "layers": len(config["rootfs"]["diff_ids"]),
                "history": sum(1 for entry in config["history"] if not entry.get("empty_layer")),
                "commands": commands_of(config["history"]),
                "names": [names_of(layer) for layer in layers],
                "files": files_of(layers),
            }
            images.update({tag.rsplit(":", 1)[1]: image for tag in record["RepoTags"] or []})
    return images


merged = {}
for argument in sys.argv[1:]:
    merged.update(read_archive(os.fspath(argument)))
json.dump(merged, sys.stdout)
