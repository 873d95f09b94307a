import type { Tree } from "../contract/layer.ts";
import type { BuildGraph } from "../contract/parse.ts";
import type { Engine } from "../engine.ts";
import type { Descriptor } from "../oci/descriptor.ts";

/** Is told what a build reads besides blobs and names of the store. */
export interface BuildReads {
  /** A text file: one of the context, or one of this host. Undefined text is an absent file. */
  file(place: "context" | "host", path: string, text: string | undefined): void;
  /** An image that was found by a canonical name of the store; undefined for one that was found in another way. */
  base(name: string | undefined, descriptor: Descriptor): void;
  /** An image that is looked up in its registry. */
  remote(): void;
  /** The graphs to build. */
  graphs(graphs: readonly BuildGraph[]): void;
  /** The layers of the images that the graphs gave. */
  layers(layers: readonly Descriptor[]): void;
  /** The same tree of the context, whose readers are seen. */
  tree(tree: Tree, exclude: readonly string[]): Tree;
}

/** The engine of a build, and who is told what the build reads; nobody when left out. */
export type BuildEngine = Engine & { readonly reads?: BuildReads };
