import type { DocumentPart } from "./openapi.ts";
import { errorTitles } from "./problem.ts";

/**
 * The reference page, made of the OpenAPI document. It has no script and loads nothing, from this host or another.
 */
export function renderDocs(document: DocumentPart): string {
  const paths = partsOf(document["paths"]);
  const { version, description } = partOf(document["info"]);
  const groups = listOf(document["tags"]).map((tag) => text(partOf(tag)["name"]));
  const sections = groups.map((group) => {
    const operations = paths.flatMap(([path, methods]) =>
      partsOf(methods).filter(([, operation]) => listOf(partOf(operation)["tags"]).includes(group))
        .map(([method, operation]) => renderOperation(`${method.toUpperCase()} ${path}`, partOf(operation)))
    );
    return `<h2 id="${escape(group)}">${escape(group)}</h2>\n${operations.join("\n")}`;
  });
  const schemas = partsOf(partOf(document["components"])["schemas"]).map(([name, schema]) =>
    `<section id="schema-${escape(name)}"><h3>${escape(name)}</h3>${renderJson(schema)}</section>`
  );
  const errors = Object.entries(errorTitles).map(([code, title]) =>
    `<tr id="${escape(code)}"><td><code>${escape(code)}</code></td><td>${escape(title)}</td></tr>`
  );
  return page(
    `<h1>strata API ${escape(text(version))}</h1>
<p>${escape(text(description))} The same as a document: <a href="/v1/openapi.json">OpenAPI 3.1</a>.</p>
<p>Encode the slashes of a name in a path as <code>%2F</code>, or leave them as they are where no other route is meant.</p>
${sections.join("\n")}
<h2 id="schemas">Schemas</h2>
${schemas.join("\n")}
<h2 id="errors">Errors</h2>
<table>${errors.join("\n")}</table>`,
    [...groups, "schemas", "errors"],
  );
}

function page(body: string, parts: readonly string[]): string {
  const links = parts.map((part) => `<a href="#${escape(part)}">${escape(part)}</a>`).join(" ");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>strata API</title><style>${style}</style></head>
<body><nav>${links}</nav><main>${body}</main></body></html>
`;
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 0 1rem 4rem; }
nav { display: flex; flex-wrap: wrap; gap: 1rem; padding: 1rem 0; position: sticky; top: 0; background: Canvas; }
section { border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas); border-radius: .5rem; margin: 1rem 0; padding: 0 1rem 1rem; }
h3 { font-family: ui-monospace, monospace; font-size: 1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { border-top: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); padding: .25rem 1rem .25rem 0; text-align: left; vertical-align: top; }
pre { overflow-x: auto; } :target { outline: 2px solid Highlight; }
`;

function renderOperation(title: string, operation: DocumentPart): string {
  const parameters = listOf(operation["parameters"]).map((each) => renderParameter(partOf(each)));
  const body = partsOf(partOf(operation["requestBody"])["content"]);
  const responses = partsOf(operation["responses"]);
  return `<section id="${escape(text(operation["operationId"]))}"><h3>${escape(title)}</h3>
<p>${escape(text(operation["summary"]))}.</p>${paragraph(operation["description"])}
${table(["Parameter", "Type", ""], parameters)}
${table(["Body", ""], body.map(([type, media]) => [code(type), renderRef(partOf(media)["schema"])]))}
${table(["Answer", "", ""], responses.map(([status, answer]) => renderAnswer(status, partOf(answer))))}
</section>`;
}

function renderParameter({ name, required, description, schema, in: place }: DocumentPart): readonly string[] {
  const { default: usual, ...type } = partOf(schema);
  const notes = [text(description), required === true ? "required" : "", usual === undefined ? "" : `usually ${usual}`];
  return [
    `${code(text(name))} (${escape(text(place))})`,
    code(text(type["type"]) || "text"),
    escape(notes.filter((note) => note !== "").join("; ")),
  ];
}

function renderAnswer(status: string, answer: DocumentPart): readonly string[] {
  const content = partsOf(answer["content"]).map(([type, media]) =>
    `${code(type)} ${renderRef(partOf(media)["schema"])}`
  );
  return [escape(status), escape(text(answer["description"])), content.join("<br>")];
}

function renderRef(schema: unknown): string {
  const name = text(partOf(schema)["$ref"]).split("/").at(-1) ?? "";
  return name === "" ? "" : `<a href="#schema-${escape(name)}">${escape(name)}</a>`;
}

function renderJson(schema: unknown): string {
  return `<pre>${escape(JSON.stringify(schema, null, 2))}</pre>`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const head = heads.map((each) => `<th>${each}</th>`).join("");
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<table><tr>${head}</tr>${lines.join("")}</table>`;
}

function paragraph(value: unknown): string {
  return typeof value === "string" ? `<p>${escape(value)}</p>` : "";
}

function code(value: string): string {
  return `<code>${escape(value)}</code>`;
}

function partOf(value: unknown): DocumentPart {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function partsOf(value: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries(partOf(value));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return Array.isArray(value) ? value.join(" or ") : typeof value === "string" ? value : "";
}

function escape(value: string): string {
  return value.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
