import { assert, assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { checkImports, findPackages, linkPackages, nodeModules } from "./plugin_source.ts";

function check(text: string, allowsPackages = false): readonly string[] {
  const found = checkImports({ plugin: "p", text, allowsPackages });
  for (const { specifier, at } of found) assertEquals(text.slice(at, at + specifier.length), specifier);
  return found.map(({ specifier }) => specifier);
}

const harmless: readonly string[] = [
  `import type { A } from "strata/contract"`,
  `import type A from "x"`,
  `import type * as a from "x"`,
  `import type{A}from"x"`,
  `export type { A } from "x"`,
  `export {a}`,
  `export { a }; const from = "x"`,
  `export default () => {}`,
  `export const from = "x"`,
  `export class A { from = "x" }`,
  `export function f() { return "from" }`,
  `import.meta.url`,
  `import /* a */ . /* b */ meta`,
  `a.import("x")`,
  `a?.import("x")`,
  `const {import: y} = z`,
  `importX("a"); $import("x"); crypto.importKey("a"); _import from "x"`,
  `// import the files of it`,
  `"import x"`,
  `import A = B.C`,
  `"exports"`,
];
for (const text of harmless) {
  Deno.test(`checkImports() finds nothing in ${JSON.stringify(text)}`, () => assertEquals(check(text), []));
}

Deno.test("checkImports() gives the modules of Node in their order", () => {
  const text = `import { readFile } from "node:fs/promises"; import "node:zlib"; import * as z from 'node:zlib';
    const x = await import("node:path"); export * from "node:url"; await import("node:net", {})`;
  const expected = ["fs/promises", "zlib", "zlib", "path", "url", "net"].map((name) => `node:${name}`);
  assertEquals(check(text), expected);
});

const refused: readonly string[] = [
  `import x from "./a.ts"`,
  `import "npm:x"`,
  `import{a}from"x"`,
  `import{}from"x"`,
  `import*as a from'x'`,
  `/"/; import x from "npm:y" //"`,
  `import/*a*/x/*b*/from/*"*/"x"`,
  `import//a\nx//b\u2028from"x"`,
  `import x, {y as z} from "jsr:a"`,
  `import {"a-b" as c} from "x"`,
  `import {a as from} from "x"`,
  `import from from "x"`,
  `import {from,} from "x"`,
  `import ä from "x"`,
  `import type from "x"`,
  `import type, {a} from "x"`,
  `import type X, {a} from "x"`,
  `import type from from "x"`,
  `import { type A } from "x"`,
  `export * from "x"`,
  `export * as ns from "x"`,
  `export {a} from "x"`,
  `export { default } from 'x'`,
  `export { type A, b } from 'x'`,
  `export\n*\nfrom\n"x"`,
  `import("x")`,
  "import(`x`)",
  "import(`node:fs`)",
  `import(x)`,
  `import("node:vm")`,
  `import("node:fs" + x)`,
  `import("no" + "de:fs")`,
  `import("node:f\\u0073")`,
  `[...import("x")]`,
  `im\\u0070ort("x")`,
  `\\u{69}mport "x"`,
  `\\u{0069}mport "x"`,
  `e\\u0078port * from "x"`,
  `import {\\u0061 as b} from "x"`,
  `import x from "n\\u006fde:fs"`,
  `import x from "\\\n x"`,
  `import.source("x")`,
  `import.defer("x")`,
  `import defer * as x from "x"`,
  `import source x from "x"`,
  `import x = require("y")`,
  `export import x = require("y")`,
  `import x from "data:text/javascript,1"`,
  `import x from "node:vm"`,
  `import x from "node:worker_threads"`,
  `import x from "node:process"`,
  `//# sourceMappingURL=file:///etc/passwd`,
  `/*# sourceMappingURL = HTTPS://x/y */`,
];
for (const text of refused) {
  Deno.test(`checkImports() refuses ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => check(`\n${text}`), EngineError);
    assertEquals([error.code, error.detail.plugin, error.detail.line], ["PLUGIN_FAILED", "p", 2]);
  });
}

Deno.test("checkImports() takes no longer for what looks like many comments", () => {
  for (const gap of ["//".repeat(100_000), "/*".repeat(100_000), " ".repeat(100_000), "/**/".repeat(50_000)]) {
    assertEquals(check(`import ${gap}\n@`), []);
  }
});

Deno.test("checkImports() lets no module through that makes code, loads modules, or starts threads and programs", () => {
  const others = [
    "module",
    "vm",
    "worker_threads",
    "child_process",
    "cluster",
    "inspector",
    "repl",
    "v8",
    "wasi",
    "process",
    "test",
    "sqlite",
  ];
  for (const name of others) assert(!nodeModules.includes(`node:${name}`), name);
});

Deno.test("checkImports() lets packages with an exact version through where they are allowed, and findPackages() tells where", () => {
  const text = `import { a } from "npm:a@1.2.3"; import '@x';`;
  assertThrows(() => check(text, true), EngineError);
  const right = `import { a } from "npm:a@1.2.3";\nimport z from "node:zlib";\nexport * from 'npm:@b/c@0.0.1-rc.1';
    const d = await import("npm:a@1.2.3", {});`;
  assertEquals(check(right, true), ["npm:a@1.2.3", "node:zlib", "npm:@b/c@0.0.1-rc.1", "npm:a@1.2.3"]);
  assertThrows(() => check(right), EngineError);
  const links = findPackages({ plugin: "p", text: right });
  assertEquals(links.map(({ name }) => name), ["a@1.2.3", "@b/c@0.0.1-rc.1", "a@1.2.3"]);
  const linked = linkPackages(right, links.map(({ at, end }, i) => ({ at, end, url: `blob:${i}` })));
  assertEquals(
    linked,
    `import { a } from "blob:0";\nimport z from "node:zlib";\nexport * from 'blob:1';
    const d = await import("blob:2", {});`,
  );
});

const noPackages: readonly string[] = [
  "npm:a",
  "npm:a@1",
  "npm:a@1.2",
  "npm:a@^1.2.3",
  "npm:a@latest",
  "npm:a@1.2.3/sub",
  "npm:/a@1.2.3",
  "npm:@a@1.2.3",
  "npm:A@1.2.3",
  "npm:a@1.2.3\n",
  "npm: a@1.2.3",
  "jsr:@a/b@1.2.3",
  "npm:a@https://x/y@1.2.3",
];
for (const specifier of noPackages) {
  Deno.test(`findPackages() refuses ${JSON.stringify(specifier)}`, () => {
    assertThrows(() => findPackages({ plugin: "p", text: `import x from "${specifier}"` }), EngineError);
  });
}

Deno.test("findPackages() refuses a package that is required, which is no module then", () => {
  assertThrows(() => findPackages({ plugin: "p", text: `import x = require("npm:a@1.2.3")` }), EngineError);
});

Deno.test("findPackages() refuses a text in which a URL in the place of a package would make another import", () => {
  // For the engine this is one regular expression, which the first slash of a URL would end.
  const text = `x = /import a from "npm:a@1.2.3"/; im\\u0070ort("y")`;
  assertThrows(() => findPackages({ plugin: "p", text }), EngineError);
});
