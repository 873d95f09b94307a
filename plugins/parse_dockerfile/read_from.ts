import type { InstructionFields } from "./ast.ts";
import { quote } from "./fault.ts";
import { readFlags } from "./flag.ts";
import { failAt, failMissing, type Statement } from "./statement.ts";
import { splitBlanks } from "./word.ts";

const stageName = /^[a-z][a-z0-9_.-]*$/;

/** Reads `FROM [--platform=…] base [AS name]`. Throws `PARSE_FAILED`. */
export function readFrom(statement: Statement): InstructionFields {
  const [base, as, name, extra] = splitBlanks(statement.line.text, statement.rest.start, statement.rest.end);
  if (base === undefined) throw failMissing(statement, "an image or a stage", "Write FROM IMAGE or FROM scratch");
  if (as !== undefined && as.text.toLowerCase() !== "as") {
    throw failAt(statement, as, {
      message: `Cannot read FROM: ${quote(as.text)} after the image, expected AS and a name`,
      hint: "Write FROM IMAGE AS NAME",
    });
  }
  if (as !== undefined && name === undefined) {
    throw failAt(statement, as, { message: "Cannot read FROM: AS without a name", hint: "Write FROM IMAGE AS NAME" });
  }
  if (extra !== undefined) {
    throw failAt(statement, { start: extra.start, end: statement.rest.end }, {
      message: `Cannot read FROM: ${quote(extra.text)} after the stage name, expected nothing`,
      hint: "Write FROM IMAGE AS NAME",
    });
  }
  if (name !== undefined && !stageName.test(name.text.toLowerCase())) {
    throw failAt(statement, name, {
      message: `Cannot name stage ${quote(name.text)}: expected a letter, then letters, digits and - _ .`,
      hint: "Choose another name",
    });
  }
  const platform = readFlags(statement, { platform: "value" }).value("platform");
  return {
    kind: "from",
    base: base.text,
    ...(platform === undefined ? {} : { platform: platform.text }),
    ...(name === undefined ? {} : { name: name.text.toLowerCase(), rawName: name.text }),
    ...(as === undefined ? {} : { asKeyword: as.text }),
  };
}
