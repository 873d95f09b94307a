"""Writes what the differential test builds from: build contexts and base images.

Reads a JSON document on standard input: {"directory", "contexts": {name: {path: spec}}, "bases": {name: {"config", "files" or
"archive"}}}.
A spec is the text of a file, or an object with "type" (file, directory, symlink, hardlink, fifo, char, block, tar) and what
the type needs: "text" or "source" (a file of this host), "target", "mode", "uid", "gid", "mtime" (seconds, may have a fraction),
"xattrs" {name: text}, "major", "minor", "compression" (none, gzip, bzip2, xz, zstd), "files" (members of a tar). Each base becomes
<directory>/<name>.tar, an archive as `docker save` writes it, with the name localhost/<name>:1; each context a folder
<directory>/<name>. Nothing of strata is used here, so that the test does not rest on it.
"""

import bz2, functools, gzip, hashlib, io, json, lzma, os, stat, subprocess, sys, tarfile

FIRST_TIME = 1_000_000_000
TYPES = {
    "file": tarfile.REGTYPE, "directory": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE, "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE,
}


def complete(spec, index):
    """The spec with nothing left out."""
    full = {"type": "file", "uid": 0, "gid": 0, "mtime": FIRST_TIME + index, "xattrs": {}}
    full.update({"text": spec} if isinstance(spec, str) else spec)
    full.setdefault("mode", 0o755 if full["type"] == "directory" else 0o644)
    return full


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    if how == "bzip2":
        return bz2.compress(data)
    if how == "xz":
        return lzma.compress(data)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def read(path):
    with open(path, "rb") as file:
        return file.read()


def bytes_of(full):
    if full["type"] == "tar":
        return archive_of(json.dumps(full["files"]), full.get("compression", "none"))
    if "source" in full:
        return read(full["source"])
    return full.get("text", "").encode()


@functools.cache
def archive_of(files, how):
    return compress(make_tar(json.loads(files)), how)


def make_tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for index, (path, spec) in enumerate(files.items()):
            full = complete(spec, index)
            info = tarfile.TarInfo(path)
            info.type = TYPES.get(full["type"], tarfile.REGTYPE)
            info.mode, info.uid, info.gid, info.mtime = full["mode"], full["uid"], full["gid"], int(full["mtime"])
            info.linkname = full.get("target", "")
            info.devmajor, info.devminor = full.get("major", 0), full.get("minor", 0)
            info.pax_headers = {f"SCHILY.xattr.{name}": value for name, value in full["xattrs"].items()}
            data = bytes_of(full) if info.type == tarfile.REGTYPE else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write_base(directory, name, base):
    layer = read(base["archive"]) if "archive" in base else make_tar(base["files"])
    config = json.dumps({
        "architecture": base["architecture"], "os": "linux", "created": "2001-02-03T04:05:06Z", "config": base["config"],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created": "2001-02-03T04:05:06Z", "created_by": "base"}],
    }).encode()
    digest = hashlib.sha256(config).hexdigest()
    manifest = json.dumps([{"Config": digest + ".json", "RepoTags": [f"localhost/{name}:1"], "Layers": ["layer.tar"]}])
    with tarfile.open(f"{directory}/{name}.tar", "w") as archive:
        for path, data in ((digest + ".json", config), ("layer.tar", layer), ("manifest.json", manifest.encode())):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def write_context(folder, files):
    os.mkdir(folder)
    times = []
    for index, (path, spec) in enumerate(files.items()):
        full = complete(spec, index)
        target = f"{folder}/{path}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        create(target, full, folder)
        kind = full["type"]
        if kind == "hardlink":
            continue
        os.chown(target, full["uid"], full["gid"], follow_symlinks=False)
        if kind != "symlink":
            os.chmod(target, full["mode"])
            for name, value in full["xattrs"].items():
                os.setxattr(target, name, value.encode())
        times.append((target, int(round(full["mtime"] * 1_000_000_000))))
    named = {target for target, _ in times}
    for parent, folders, _ in os.walk(folder):
        times += [(p, FIRST_TIME * 1_000_000_000) for p in (f"{parent}/{f}" for f in folders) if p not in named]
    for target, nanoseconds in sorted(times, reverse=True):
        os.utime(target, ns=(nanoseconds, nanoseconds), follow_symlinks=False)


def create(target, full, folder):
    kind = full["type"]
    if kind == "directory":
        os.makedirs(target, exist_ok=True)
    elif kind == "symlink":
        os.symlink(full["target"], target)
    elif kind == "hardlink":
        os.link(f"{folder}/{full['target']}", target)
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind in ("char", "block"):
        bits = stat.S_IFCHR if kind == "char" else stat.S_IFBLK
        os.mknod(target, bits | full["mode"], os.makedev(full["major"], full["minor"]))
    else:
        with open(target, "wb") as file:
            file.write(bytes_of(full))


def main():
    os.umask(0o022)
    plan = json.load(sys.stdin)
    for name, base in plan["bases"].items():
        write_base(plan["directory"], name, base)
    for name, files in plan["contexts"].items():
        write_context(f"{plan['directory']}/{name}", files)


main()
