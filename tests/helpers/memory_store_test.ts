import { testStore } from "../conformance/store.ts";
import { createMemoryState, createMemoryStore } from "./memory_store.ts";

testStore("memory store", () => {
  const state = createMemoryState();
  return Promise.resolve({
    open: () => Promise.resolve(createMemoryStore(state)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
