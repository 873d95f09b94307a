import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../errors.ts";
import { compileTemplate } from "./execute.ts";
import type { Value } from "./node.ts";

const data: Value = {
  ID: "sha256:abc",
  Size: 12,
  Tags: ["a:1", "b:2"],
  None: null,
  Config: { Env: ["A=1", "B=2"], Labels: { "x.y": "z", k: "v" }, Cmd: [] },
};

Deno.test("execute() prints what Go's text/template prints", () => {
  const table: [string, string][] = [
    ["plain", "plain"],
    ["{{.ID}}", "sha256:abc"],
    ["{{ .Config.Env }}", "[A=1 B=2]"],
    ["{{.Config.Labels}}", "map[k:v x.y:z]"],
    ["{{.Config.Missing}}", "<no value>"],
    ["{{.Config.Missing.Deeper}}", "<no value>"],
    ["{{.None}}", "<nil>"],
    ["{{json .Config.Env}}", '["A=1","B=2"]'],
    ["{{.Config.Env | json}}", '["A=1","B=2"]'],
    ['{{index .Config.Labels "x.y"}}', "z"],
    ['{{index .Config.Labels "none"}}', ""],
    ["{{index .Tags 1}}", "b:2"],
    ["{{len .Tags}}", "2"],
    ["{{range .Tags}}[{{.}}]{{end}}", "[a:1][b:2]"],
    ["{{range $i, $t := .Tags}}{{$i}}={{$t}} {{end}}", "0=a:1 1=b:2 "],
    ["{{range $t := .Tags}}{{$t}},{{end}}", "a:1,b:2,"],
    ["{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}};{{end}}", "k:v;x.y:z;"],
    ["{{range .Config.Cmd}}x{{else}}empty{{end}}", "empty"],
    ['{{range .Tags}}{{if eq . "b:2"}}{{break}}{{end}}{{.}}{{end}}', "a:1"],
    ['{{range .Tags}}{{if eq . "a:1"}}{{continue}}{{end}}{{.}}{{end}}', "b:2"],
    ["{{if .None}}a{{else if .Size}}b{{else}}c{{end}}", "b"],
    ["{{with .Config}}{{.Env}}{{end}}", "[A=1 B=2]"],
    ["{{with .None}}x{{else}}{{.ID}}{{end}}", "sha256:abc"],
    ["{{$x := .ID}}{{$x}}", "sha256:abc"],
    ["{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"],
    ["a {{- /* comment */ -}} b", "ab"],
    ["a  {{- .Size -}}  b", "a12b"],
    ["{{println .Size}}", "12\n"],
    ['{{join .Tags ", "}}', "a:1, b:2"],
    ['{{split .ID ":"}}', "[sha256 abc]"],
    ['{{upper .ID}} {{lower "AB"}} {{title "ab cd"}}', "SHA256:ABC ab Ab Cd"],
    ["{{truncate .ID 6}}", "sha256"],
    ['{{pad "x" 1 2}}|', " x  |"],
    ['{{printf "%-5s|%5d|%q|%v|%%" "ab" 7 "q" .Tags}}', 'ab   |    7|"q"|[a:1 b:2]|%'],
    ["{{and .Size .None}}{{or .None .Size}}{{not .None}}", "<nil>12true"],
    ['{{if and (eq .Size 12) (ne .ID "")}}yes{{end}}', "yes"],
    ["{{if lt 1 2}}a{{end}}{{if ge 1 2}}b{{end}}", "a"],
    ["{{slice .ID 7 10}}", "abc"],
    ["{{`raw\\n`}}", "raw\\n"],
    ['{{"a\\tb"}}', "a\tb"],
    ['{{print 1 2 "a" "b" 3}}', "1 2ab3"],
    ['{{and .None "x"}} {{or "" .None "y"}} {{and "a" "b"}}', "<nil> y b"],
    [
      `{{html "<a href='x'>"}} {{js "it's <b>"}} {{urlquery "a b&c*"}}`,
      "&lt;a href=&#39;x&#39;&gt; it\\'s \\u003Cb\\u003E a+b%26c%2A",
    ],
    ["{{.Config.Env.Foo}}", "error"],
  ];
  for (const [template, expected] of table) {
    if (expected === "error") assertThrows(() => compileTemplate(template).execute(data), EngineError);
    else assertEquals(compileTemplate(template).execute(data), expected, template);
  }
});

Deno.test("compileTemplate() refuses what is no template and says why", () => {
  const table: [string, string][] = [
    ["{{", "expected }}"],
    ["{{.ID", "expected }}"],
    ["{{nope .ID}}", 'function "nope" is not known'],
    ["{{if .ID}}", "has no {{end}}"],
    ["{{end}}", "nothing to end"],
    ["{{.ID | }}", "a value"],
    ["{{range}}{{end}}", "a value is missing"],
    ['{{define "x"}}{{end}}', "is not known here"],
    ["{{(.ID}}", "it ends where"],
    ["{{.ID | .Size}}", "cannot be piped"],
    ['{{"a\\q"}}', "escape"],
  ];
  for (const [template, why] of table) assertThrows(() => compileTemplate(template), EngineError, why);
});

Deno.test("execute() names the fields there are when one is not known", () => {
  const error = assertThrows(() => compileTemplate("{{.Foo}}").execute({ ID: "1", Tag: "2" }), EngineError);
  assertEquals(error.message, 'Cannot use template "{{.Foo}}": there is no field Foo, known are ID, Tag');
  assertThrows(() => compileTemplate("{{$x}}").execute({}), EngineError, "variable $x is not defined");
  assertThrows(() => compileTemplate("{{index .A 5}}").execute({ A: [] }), EngineError, "out of range");
});
