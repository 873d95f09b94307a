import { assertEquals } from "@std/assert";
import { inspectView } from "./inspect_view.ts";
import { compileTemplate } from "./template/execute.ts";

Deno.test("inspectView() gives templates docker's empty members where an image says nothing", () => {
  const image = { Id: "sha256:1", Variant: "v8", Config: { Cmd: ["sh"], ExposedPorts: { "80/tcp": {} } } };
  const table: [string, string][] = [
    ["{{.ID}} {{.Id}}", "sha256:1 sha256:1"],
    ["{{.Variant}}[{{.OsVersion}}]", "v8[]"],
    ["[{{.Config.User}}{{.Config.WorkingDir}}{{.Config.StopSignal}}]", "[]"],
    ["{{.Config.Entrypoint}} {{.Config.Labels}} {{.Config.Healthcheck}}", "[] map[] <nil>"],
    ["{{json .Config.Entrypoint}} {{json .Config.Labels}} {{json .Config.Healthcheck}}", "null null null"],
    ['{{index .Config.Labels "x"}}{{range .Config.Env}}x{{else}}none{{end}}{{len .Config.Volumes}}', "none0"],
    ["{{if .Config.Labels}}a{{else}}b{{end}}{{if .Config.OnBuild}}a{{else}}b{{end}}", "bb"],
    ["{{.Config.ExposedPorts}}", "map[80/tcp:{}]"],
    ["{{json .Config}}", '{"Cmd":["sh"],"ExposedPorts":{"80/tcp":{}}}'],
  ];
  for (const [template, expected] of table) {
    assertEquals(compileTemplate(template).execute(inspectView(image)), expected, template);
  }
});
