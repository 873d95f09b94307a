import type { Call } from "../contract/call.ts";
import type { NameChange } from "../contract/store.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { imageIdName, NamePrefix } from "../store/names.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { type BuildRecord, folderMode, readAgain, readRecord } from "./build_record.ts";
import type { BuildResult } from "./build_result.ts";

/**
 * Gives the result of an earlier build that is remembered under a name, when everything that it read is as it was then:
 * does and reports what that build would if it ran again. Undefined, with nothing done, when there is no such record or
 * anything is different. Rejects as the store does.
 */
export async function replayBuild(engine: Engine, name: string, call: Call): Promise<BuildResult | undefined> {
  const descriptor = await engine.store.resolve(name, call);
  const record = descriptor === undefined ? undefined : await readRecord(descriptor);
  if (record === undefined || (record.runsCommands && !mayRunCommands())) return undefined;
  const image = await findImage(engine, record, call);
  if (image === undefined || !await isUnchanged(engine, record, call)) return undefined;
  throwIfAborted(call.signal);
  await report(engine, { record, image }, call);
  return record.result;
}

/** Whether this process may run commands in images as it is; where it may not, the build itself says what is missing. */
function mayRunCommands(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0;
}

/** The image of a record as the store has it now; undefined when it has another one or none. */
async function findImage({ store }: Engine, { result }: BuildRecord, call: Call): Promise<Descriptor | undefined> {
  const known = await store.resolve(imageIdName(result.image.id), call);
  return known?.digest === result.image.descriptor.digest ? known : undefined;
}

async function isUnchanged(engine: Engine, record: BuildRecord, call: Call): Promise<boolean> {
  const { context, files, tree } = record;
  if (folderMode(context.path) !== context.mode) return false;
  for (const file of files) {
    const bytes = readAgain(file);
    if (bytes === undefined || (bytes === null ? null : await sha256(bytes)) !== file.digest) return false;
  }
  return await isStored(engine, record, call) && (tree.length === 0 || await isContextUnchanged(engine, record, call));
}

/** Whether the store has everything that a build found in it. */
async function isStored({ store }: Engine, { names, blobs }: BuildRecord, call: Call): Promise<boolean> {
  const found = await Promise.all([
    ...names.map(async ([name, digest]) => ((await store.resolve(name, call))?.digest ?? null) === digest),
    ...blobs.map((blob) => store.has(blob, call)),
  ]);
  return !found.includes(false);
}

async function isContextUnchanged(
  { config, clock, store }: Engine,
  { context, tree: answers }: BuildRecord,
  call: Call,
): Promise<boolean> {
  const [{ openContext }, { askTree }] = await Promise.all([
    import("../build/context.ts"),
    import("./tree_questions.ts"),
  ]);
  const download = (): Promise<never> => Promise.reject(new TypeError("a folder downloads nothing"));
  const options = { store, clock, stateDirectory: config.root, download };
  try {
    await using opened = await openContext({ type: "directory", path: context.path }, options, call);
    for (const { exclude, answer, ...question } of answers) {
      if (await askTree(opened.tree(exclude), question, call) !== answer) return false;
    }
    return true;
  } catch (error) {
    // What cannot be read is told by the build itself.
    if (isEngineError(error) && !call.signal.aborted) return false;
    throw error;
  }
}

/** Reports what the build reported, and names the image where its export was. */
async function report(
  engine: Engine,
  { record, image }: { readonly record: BuildRecord; readonly image: Descriptor },
  call: Call,
): Promise<void> {
  const last = record.events.length - 1;
  record.events.slice(0, last).forEach(call.emit);
  try {
    await nameImage(engine, { record, image }, call);
  } catch (error) {
    call.emit({ type: "step-ended", step: "export", outcome: call.signal.aborted ? "canceled" : "failed" });
    throw error;
  }
  record.events.slice(last).forEach(call.emit);
}

/** Gives the image its names, all at once; a name that is right already is left alone. */
async function nameImage(
  { store }: Engine,
  { record, image }: { readonly record: BuildRecord; readonly image: Descriptor },
  call: Call,
): Promise<void> {
  const changes: NameChange[] = [];
  for (const tag of record.result.image.tags) {
    const name = `${NamePrefix.reference}${tag}`;
    const present = await store.resolve(name, call);
    if (canonicalJson(present) !== canonicalJson(image)) changes.push({ name, descriptor: image });
  }
  if (changes.length > 0) await store.update(changes, call);
}
