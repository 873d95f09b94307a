import { assert, assertEquals } from "@std/assert";
import { mustRun } from "./strata.ts";

/**
 * Reads an archive that `strata save` wrote, with Python's own tarfile and hashlib: every blob is named by its digest, every
 * document's parts are there, and each layer is a whole tar with the diffID of the config. Prints the number of images.
 */
const archiveScript = `
import sys, tarfile, hashlib, json, io
tar = tarfile.open(sys.argv[1])
files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
sha = lambda b: 'sha256:' + hashlib.sha256(b).hexdigest()
for name, data in files.items():
    if name.startswith('blobs/sha256/'): assert sha(data)[7:] == name[13:], name
def blob(d):
    data = files['blobs/' + d['digest'].replace(':', '/')]
    assert len(data) == d['size'], d
    return data
count = 0
def image(d):
    global count
    doc = json.loads(blob(d))
    if 'manifests' in doc:
        for m in doc['manifests']: image(m)
        return
    count += 1
    diff_ids = json.loads(blob(doc['config']))['rootfs']['diff_ids']
    assert len(diff_ids) == len(doc['layers'])
    for layer, diff_id in zip(doc['layers'], diff_ids):
        t = tarfile.open(fileobj=io.BytesIO(blob(layer)), mode='r:*')
        for m in t:
            if m.isfile(): assert len(t.extractfile(m).read()) == m.size
        assert layer['mediaType'].endswith('tar') and sha(blob(layer)) == diff_id, layer
for d in json.loads(files['index.json'])['manifests']: image(d)
print(count)
`;

/** Prints names of files below a directory whose sha256 is not their name. */
const blobsScript = `
import sys, os, hashlib
for name in os.listdir(sys.argv[1]):
    with open(os.path.join(sys.argv[1], name), 'rb') as f:
        if hashlib.file_digest(f, 'sha256').hexdigest() != name: print(name)
`;

/** Runs a Python script and gives what it prints; fails with its error. */
export async function runPython(script: string, ...args: string[]): Promise<string> {
  const output = await new Deno.Command("python3", { args: ["-c", script, ...args] }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assert(output.success, text(output.stderr));
  return text(output.stdout);
}

/** Fails unless every named image of a store is whole and right, and every blob is what its name says. Gives the names. */
export async function checkStore(root: string): Promise<readonly string[]> {
  const { stdout } = await mustRun({ root }, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}");
  const names = stdout.split("\n").filter((name) => name !== "" && !name.includes("<none>"));
  if (names.length > 0) {
    const archive = await Deno.makeTempFile({ prefix: "strata-check-" });
    try {
      await mustRun({ root }, "save", "-o", archive, ...names);
      assert(Number(await runPython(archiveScript, archive)) > 0);
    } finally {
      await Deno.remove(archive);
    }
  }
  assertEquals(await runPython(blobsScript, `${root}/blobs/sha256`), "");
  return names;
}

/** Fails when something lies in the store that belongs to no process any more; prunes do not leave any. */
export function checkSwept(root: string): void {
  for (const directory of ["tmp", "leases"]) {
    assertEquals([...Deno.readDirSync(`${root}/${directory}`)].map(({ name }) => name), [], directory);
  }
}
