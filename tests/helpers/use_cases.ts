/** Calls the use-cases that a library may want, in turn; what one of them needs beyond the permissions given fails it: `use_cases.ts DIRECTORY REGISTRY`. */
import {
  buildImage,
  builtins,
  checkBuild,
  copyImages,
  createCall,
  createEngine,
  diffImages,
  diskUsage,
  editImage,
  exportCache,
  imageHistory,
  imageTree,
  inspectManifest,
  listCache,
  listImages,
  listTags,
  loadImages,
  openImage,
  outlineBuild,
  printDockerfile,
  printGraph,
  pruneCache,
  pruneImages,
  pullImage,
  pushImage,
  removeImages,
  removeRemote,
  resetStore,
  saveImages,
  storeInfo,
  tagImage,
} from "../../mod.ts";

const [directory = "", registry = ""] = Deno.args;
const context = { type: "directory", path: "examples/hello" } as const;
const call = createCall();
const reference = `${registry}/app:1`;
await using engine = await createEngine({ plugins: builtins, config: { root: `${directory}/strata` } });

await buildImage(engine, { context, tags: ["app"] }, call);
await buildImage(engine, { context, outputs: [{ type: "local", dest: `${directory}/out` }] }, call);
await checkBuild(engine, { context }, call);
await outlineBuild(engine, { context }, call);
await printGraph(engine, { context }, call);
await printDockerfile(engine, { context }, call);
await listImages(engine, {}, call);
await imageHistory(engine, { image: "app" }, call);
await imageTree(engine, { image: "app" }, call);
await diffImages(engine, { from: "app", to: "app" }, call);
await tagImage(engine, { source: "app", target: reference }, call);
await pushImage(engine, { reference, compression: "zstd" }, call);
await removeImages(engine, { images: [reference] }, call);
await pullImage(engine, { reference }, call);
await Array.fromAsync(listTags(engine, { repository: `${registry}/app` }, call));
await inspectManifest(engine, { image: reference }, call);
await editImage(engine, { source: "app", target: "app:2", change: { user: "app" } }, call);
await copyImages(engine, { source: "app:2", target: `oci:${directory}/layout` }, call);
await saveImages(engine, { images: ["app"], output: `${directory}/app.tar` }, call);
await loadImages(engine, { source: { path: `${directory}/app.tar` } }, call);
for (
  const image of ["app", `registry:${reference}`, `oci:${directory}/layout`, `docker-archive:${directory}/app.tar`]
) {
  await using opened = await openImage(engine, { image }, call);
  console.log(await opened.readTextFile("/srv/site/hello.txt"));
}
await removeRemote(engine, { images: [reference] }, call);
await exportCache(engine, { output: `${directory}/cache.tar` }, call);
await listCache(engine, call);
await diskUsage(engine, { verbose: true }, call);
await storeInfo(engine, call);
await pruneImages(engine, { all: true }, call);
await pruneCache(engine, { all: true }, call);
await resetStore(engine, {}, call);
