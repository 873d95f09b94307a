import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { chooseProxy, type ProxyChoice } from "./proxy.ts";

const general = { http: "http://plain:1", https: "http://secure:2", none: [] };

function choose(url: string, choice: Partial<ProxyChoice> = {}): string | undefined {
  return chooseProxy(new URL(url), { own: undefined, general, ...choice }, createKit())?.host;
}

Deno.test("chooseProxy() gives the one for the scheme, and none for this machine", () => {
  assertEquals([choose("http://a.example/"), choose("https://a.example/")], ["plain:1", "secure:2"]);
  const own = ["http://localhost:5000/", "https://127.0.0.1/", "https://127.8.8.8/", "http://[::1]/"];
  assertEquals(own.map((url) => choose(url)), [undefined, undefined, undefined, undefined]);
  assertEquals(choose("https://a.example/", { general: { none: [] } }), undefined);
});

Deno.test("chooseProxy() puts a registry's own proxy first, also when that is none", () => {
  assertEquals(choose("https://a.example/", { own: "http://own:3" }), "own:3");
  assertEquals(choose("https://a.example/", { own: "" }), undefined);
});

Deno.test("chooseProxy() asks excepted hosts directly: names, domains, addresses, networks, ports", () => {
  const isDirect = (url: string, ...none: readonly string[]): boolean =>
    choose(url, { general: { ...general, none } }) === undefined;
  assertEquals(isDirect("https://a.example/", "*"), true);
  assertEquals(isDirect("https://a.example/", "example"), true);
  assertEquals(isDirect("https://A.example/", "b.test", "a.EXAMPLE"), true);
  assertEquals(isDirect("https://a.example/", ".example"), true);
  assertEquals(isDirect("https://a.example/", "*.example"), true);
  assertEquals(isDirect("https://aexample/", "example"), false);
  assertEquals(isDirect("https://a.example:5000/", "a.example:5000"), true);
  assertEquals(isDirect("https://a.example/", "a.example:5000"), false);
  assertEquals(isDirect("https://a.example/", "a.example:443"), true);
  assertEquals(isDirect("https://10.1.2.3/", "10.0.0.0/8"), true);
  assertEquals(isDirect("https://11.1.2.3/", "10.0.0.0/8"), false);
  assertEquals(isDirect("https://10.1.2.3/", "10.1.2.3"), true);
  assertEquals(isDirect("https://[2001:db8::5]/", "2001:db8::/32"), true);
  assertEquals(isDirect("https://a.example/", ""), false);
});

Deno.test("chooseProxy() throws INVALID_ARGUMENT without showing the text for what is no proxy", () => {
  assertEquals(choose("https://a.example/", { general: { https: "host:3128", none: [] } }), "host:3128");
  for (const https of ["ftp://user:secret@x", "http://user:secret@", ":// secret"]) {
    const error = assertThrows(() => choose("https://a.example/", { general: { https, none: [] } }), EngineError);
    assertEquals([error.code, error.message.includes("secret")], ["INVALID_ARGUMENT", false]);
  }
});
