import type { LayerEntry, Tree } from "../contract/layer.ts";

/** A tree that is made when it is first asked, once. */
export function lazyTree(open: () => Promise<Tree>): Tree {
  let opened: Promise<Tree> | undefined;
  const tree = (): Promise<Tree> => opened ??= open();
  return {
    digest: async (path, selection, call) => (await tree()).digest(path, selection, call),
    resolve: async (path, call) => (await tree()).resolve(path, call),
    stat: async (path, call) => (await tree()).stat(path, call),
    lstat: async (path, call) => (await tree()).lstat(path, call),
    list: async (path, call) => (await tree()).list(path, call),
    read: async (path, call) => (await tree()).read(path, call),
    async *walk(path, selection, call): AsyncGenerator<LayerEntry> {
      yield* (await tree()).walk(path, selection, call);
    },
  };
}
