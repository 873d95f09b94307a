import { type RegisterTest, registerWithDeno } from "./register.ts";
import type { RegisterStoreTest, StorePlace } from "./store_place.ts";
import { testStoreCollecting } from "./store_collecting.ts";
import { testStoreContent } from "./store_content.ts";
import { testStoreNames } from "./store_names.ts";

/**
 * Registers the tests that every store has to pass; `makePlace` makes a fresh one for each.
 *
 * @example Names of the tests of a store
 * ```ts
 * import { testStore } from "@strata/strata/conformance";
 *
 * const names: string[] = [];
 * testStore("bucket", () => Promise.reject(new TypeError("not made here")), (name) => names.push(name));
 * console.log(names.length > 10);
 * ```
 */
export function testStore(
  name: string,
  makePlace: () => Promise<StorePlace>,
  registerTest: RegisterTest = registerWithDeno,
): void {
  const register: RegisterStoreTest = (title, test) => {
    registerTest(`${name} ${title}`, async () => {
      await using place = await makePlace();
      await using store = await place.open();
      await test(store, place);
    });
  };
  testStoreContent(register);
  testStoreNames(register);
  testStoreCollecting(register);
}

export type { StorePlace } from "./store_place.ts";
