import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { formatRows, type ListView } from "./format.ts";

const view: ListView = { columns: ["Name", "Size"], headers: { ID: "IMAGE ID", Name: "NAME", Size: "SIZE" } };
const rows = [{ ID: "1", Name: "a", Size: "10B" }, { ID: "22", Name: "longer-than-ten", Size: "2kB" }];

Deno.test("formatRows() gives the default table with aligned columns", async () => {
  const expected = "NAME              SIZE\na                 10B\nlonger-than-ten   2kB\n";
  assertEquals(await formatRows(view, rows, undefined), expected);
  assertEquals(await formatRows(view, rows, "table"), expected);
  assertEquals(await formatRows(view, [], undefined), "NAME      SIZE\n");
});

Deno.test("formatRows() gives JSON lines, templates and tables of templates", async () => {
  assertEquals(await formatRows(view, rows.slice(0, 1), "json"), '{"ID":"1","Name":"a","Size":"10B"}\n');
  assertEquals(await formatRows(view, rows, "{{.ID}}:{{upper .Name}}"), "1:A\n22:LONGER-THAN-TEN\n");
  assertEquals(await formatRows(view, rows, "{{.ID}}\\t{{.Size}}"), "1\t10B\n22\t2kB\n");
  assertEquals(
    await formatRows(view, rows, "table {{.ID}}\\t{{json .Size}}"),
    'IMAGE ID   SIZE\n1          "10B"\n22         "2kB"\n',
  );
});

Deno.test("formatRows() refuses a field that is not there", async () => {
  await assertRejects(() => formatRows(view, rows, "{{.Nope}}"), EngineError, "there is no field Nope");
});
