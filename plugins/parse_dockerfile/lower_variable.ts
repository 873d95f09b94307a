import { ownValue } from "./globals.ts";
import { describe } from "./check_file.ts";
import { expandPairs } from "./lower_config.ts";
import { addHistory, expand, type Lowering, type LoweringOf } from "./lowering.ts";

const secretWords = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const openWords = /(?:^|_)(?:public|file|version)(?:_|$)/i;

/** Sets environment variables; each keeps its place when it is there already. Throws `PARSE_FAILED`. */
export function lowerEnv(lowering: LoweringOf<"env">): void {
  const pairs = expandPairs(lowering);
  for (const [name, value] of pairs) {
    checkSecret(name, lowering);
    lowering.state.env.set(name, value);
  }
  addHistory(`ENV ${pairs.map((pair) => pair.join("=")).join(" ")}`, lowering);
}

/**
 * Declares arguments: the build argument wins over the default here, which wins over the global value. Throws `PARSE_FAILED`.
 */
export function lowerArg(lowering: LoweringOf<"arg">): void {
  const shown: string[] = [];
  for (const { key, value } of lowering.instruction.pairs) {
    checkSecret(key, lowering);
    const worth = readArg(key, value, lowering);
    lowering.state.args.set(key, worth);
    lowering.facts.names.add(key);
    shown.push(worth === undefined ? key : `${key}=${worth}`);
  }
  addHistory(`ARG ${shown.join(" ")}`, lowering);
}

function readArg(name: string, initial: string | undefined, lowering: LoweringOf<"arg">): string | undefined {
  const { session, instruction, facts } = lowering;
  const given = ownValue(session.context.args, name);
  if (given === undefined && initial === undefined && session.globals.values.has(name)) {
    return session.globals.values.get(name);
  }
  const value = given ?? (initial === undefined ? undefined : expand(initial, lowering));
  facts.args.set(name, { name, value, description: describe(instruction, name), at: instruction.at });
  return value;
}

function checkSecret(name: string, lowering: Lowering): void {
  if (!secretWords.test(name) || openWords.test(name)) return;
  const { instruction, checks } = lowering;
  const message = `${instruction.keyword.toUpperCase()} "${name}" looks like a secret, which every image shows`;
  checks.report("SecretsUsedInArgOrEnv", instruction.at, message);
}
