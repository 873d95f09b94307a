/** Builds an image, looks into it and pushes it: `examples/library.ts REGISTRY DIRECTORY`. */
import {
  buildImage,
  builtins,
  createCall,
  createEngine,
  inspectImages,
  openImage,
  pushImage,
  startCall,
} from "@strata/strata";

const [registry = "127.0.0.1:5000", root = "/tmp/strata-library"] = Deno.args;
const name = `${registry}/hello:1`;
const context = { type: "directory", path: "examples/hello" } as const;
await using engine = await createEngine({ plugins: builtins, config: { root } });

const building = startCall((call) => buildImage(engine, { context, tags: [name] }, call));
for await (const event of building) if (event.type === "step-started") console.log("step", event.name);
console.log("built", (await building.result).image?.id);

const call = createCall({ signal: AbortSignal.timeout(60_000) });
const { images } = await inspectImages(engine, { images: [name] }, call);
console.log("size", images[0]?.Size);
await using image = await openImage(engine, { image: name }, call);
for await (const { type, path } of image.walk()) console.log(type, path);

const pushed = await pushImage(engine, { reference: name }, call);
console.log("pushed", pushed.images[0]?.descriptor.digest);
