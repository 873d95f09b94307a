import { listCases, readExpected, runCase, writeExpected } from "./dockerfile_case.ts";

// Writes expected.json of the cases named as arguments, of those that have none yet when none is named, of all with --all.
const names = Deno.args.includes("--all")
  ? listCases()
  : Deno.args.length > 0
  ? Deno.args
  : listCases().filter((name) => readExpected(name) === undefined);
for (const name of names) writeExpected(name, runCase(name));
