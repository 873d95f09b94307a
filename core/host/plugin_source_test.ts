import { assert, assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { checkImports, nodeModules } from "./plugin_source.ts";

function check(text: string): readonly string[] {
  return checkImports({ plugin: "p", text });
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

Deno.test("checkImports() gives the modules of Node, each once", () => {
  const text = `import { readFile } from "node:fs/promises"; import "node:zlib"; import * as z from 'node:zlib';
    const x = await import("node:path"); export * from "node:url"; await import("node:net", {})`;
  assertEquals(check(text), ["node:fs/promises", "node:net", "node:path", "node:url", "node:zlib"]);
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
