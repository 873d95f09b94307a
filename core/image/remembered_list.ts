import type { Call } from "../contract/call.ts";
import { type ListEngine, listImages, type ListInput, type ListResult } from "./list.ts";

/** Lists images, for who is asked for the same list again and again. */
export interface RememberedLists {
  /**
   * As {@linkcode listImages}. Of lists without filters it gives the very object that it gave before, as long as no name in the store
   * has changed.
   */
  list(input: ListInput, call: Call): Promise<ListResult>;
}

/** Keeps the last lists of an engine's images. */
export function rememberLists(engine: ListEngine): RememberedLists {
  let known: { readonly revision: string; readonly lists: Map<boolean, ListResult> } | undefined;
  return {
    async list(input, call): Promise<ListResult> {
      // Filters tell of times that go on and of labels, which names do not hold.
      if (input.reference !== undefined || (input.filters ?? []).length > 0) {
        return await listImages(engine, input, call);
      }
      const revision = await engine.store.revision(call);
      if (known?.revision !== revision) known = { revision, lists: new Map() };
      const { lists } = known;
      const all = input.all === true;
      const before = lists.get(all);
      if (before !== undefined) return before;
      // Names that change while they are read make the next revision another one: what is kept is never too old for the next who asks.
      const result = await listImages(engine, input, call);
      lists.set(all, result);
      return result;
    },
  };
}
