import type { Store } from "../../core/contract/mod.ts";
import { testStoreCollecting } from "./store_collecting.ts";
import { testStoreContent } from "./store_content.ts";
import { testStoreNames } from "./store_names.ts";

/** A place that stores of the implementation under test are opened at. */
export interface StorePlace extends AsyncDisposable {
  /** Opens the store at this place, as another process would; whoever opens it disposes it. */
  open(): Promise<Store>;
}

/** A test of a store that is fresh and empty; `place` opens it a second time. */
export type StoreTest = (store: Store, place: StorePlace) => Promise<void>;

/** Registers one test of the suite. */
export type RegisterStoreTest = (title: string, test: StoreTest) => void;

/** Registers the tests that every store has to pass; `makePlace` makes a fresh one for each. */
export function testStore(name: string, makePlace: () => Promise<StorePlace>): void {
  const register: RegisterStoreTest = (title, test) => {
    Deno.test(`${name} ${title}`, async () => {
      await using place = await makePlace();
      await using store = await place.open();
      await test(store, place);
    });
  };
  testStoreContent(register);
  testStoreNames(register);
  testStoreCollecting(register);
}
