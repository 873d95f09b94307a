import { assertEquals, assertThrows } from "@std/assert";
import { Body, decodeData, encodeData } from "./codec.ts";

function roundTrip(value: unknown): unknown {
  const body = new Body();
  const head = encodeData(value, body);
  return decodeData(JSON.parse(JSON.stringify(head)), body.finish());
}

const values: readonly unknown[] = [
  null,
  true,
  "text",
  0.5,
  -1,
  NaN,
  Infinity,
  -Infinity,
  undefined,
  [],
  [1, [undefined, "a"]],
  {},
  { a: { b: [{ c: 1 }] } },
  { $: "bytes", at: 0, size: 5 },
  { $: undefined, a: 1 },
  { $: { $: 1 } },
  new Uint8Array(),
  new Uint8Array([1, 2, 3]),
  { a: new Uint8Array([1]), b: [new Uint8Array([2, 3]), new Uint8Array([4])] },
  new Date(5),
  new Set(["a", "b"]),
];
for (const value of values) {
  Deno.test(`decodeData() gives what encodeData() took: ${Deno.inspect(value, { compact: true })}`, () => {
    const expected = value instanceof Object && "$" in value && value.$ === undefined ? { a: 1 } : value;
    assertEquals(roundTrip(value), expected);
  });
}

Deno.test("encodeData() leaves out members that are undefined and takes what is in a part of a buffer", () => {
  assertEquals(roundTrip({ a: undefined, b: 1 }), { b: 1 });
  assertEquals(roundTrip(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)), new Uint8Array([2, 3]));
});

Deno.test("encodeData() throws when a value is no data", () => {
  for (const value of [() => {}, Symbol("x"), 5n, { a: [() => {}] }]) {
    assertThrows(() => encodeData(value, new Body()), TypeError, "is no data");
  }
});

Deno.test("decodeData() makes members of their own, also of __proto__", () => {
  const decoded = decodeData(JSON.parse('{"__proto__": {"polluted": true}}'), undefined);
  assertEquals(Object.hasOwn(Object(decoded), "__proto__"), true);
  assertEquals(Object(decoded).polluted, undefined);
});

const wrong: readonly unknown[] = [
  { $: "door" },
  { $: 5 },
  { $: "bytes" },
  { $: "bytes", at: 0, size: 9 },
  { $: "bytes", at: -1, size: 1 },
  { $: "bytes", at: 0.5, size: 1 },
  { $: "bytes", at: 3, size: 2 },
  { $: "set", items: 5 },
];
for (const head of wrong) {
  Deno.test(`decodeData() throws for ${JSON.stringify(head)}`, () => {
    assertThrows(() => decodeData(head, new ArrayBuffer(4)), TypeError);
  });
}
