import type { EngineEvent } from "../../contract/call.ts";
import { digestHex, isDigest } from "../../oci/digest.ts";

/** Most characters of output that are kept of a step whose turn to be shown has not come. */
const maxHeld = 256 * 1024;

interface Step {
  readonly held: string[];
  heldLength: number;
  cut: number;
  readonly decoders: { readonly stdout: TextDecoder; readonly stderr: TextDecoder };
  outcome: "done" | "cached" | "failed" | "canceled" | undefined;
  digest: string | undefined;
}

interface Instruction {
  readonly text: string;
  readonly steps: readonly string[];
}

/**
 * Shows a build as docker's classic builder does: instruction after instruction, also where steps run side by side. What stands behind an
 * arrow is the start of the digest of the topmost layer; at the end, of the image's ID.
 */
export class ClassicLines {
  readonly #write: (text: string) => void;
  readonly #idOf: (name: string) => string | undefined;
  readonly #unused: string[] = [];
  readonly #steps = new Map<string, Step>();
  /** Topmost layer of each stage that has a name. */
  readonly #stages = new Map<string, string>();
  #instructions: readonly Instruction[] | undefined;
  #at = 0;
  #isHeaded = false;
  #stage = "";
  #top = "";

  /** `idOf` gives the ID of an image that a stage may start from; undefined where it is not known. */
  constructor(write: (text: string) => void, idOf: (name: string) => string | undefined = () => undefined) {
    this.#write = write;
    this.#idOf = idOf;
  }

  /** Takes an event of a build. */
  emit(event: EngineEvent): void {
    switch (event.type) {
      case "instructions":
        this.#instructions = event.instructions;
        break;
      case "warning":
        if (event.code === "UnusedBuildArg") this.#unused.push(/"(.*)"/.exec(event.message)?.[1] ?? "");
        return;
      case "step-started":
        this.#steps.set(event.step, newStep());
        if (this.#instructions === undefined && /^\[/.test(event.name)) this.#write(`${event.name}\n`);
        return;
      case "step-log":
        this.#log(event);
        return;
      case "step-ended":
        this.#end(event);
        break;
      case "step-progress":
        return;
    }
    this.#advance();
  }

  /** Shows what is left of a build that made an image. */
  end(id: string): void {
    for (const step of this.#steps.values()) step.outcome ??= "done";
    this.#advance(true);
    if ((this.#instructions ?? []).length > 0) this.#write(` ---> ${shortId(id)}\n`);
    const unused = this.#unused.sort().join(" ");
    if (unused !== "") this.#write(`[Warning] One or more build-args [${unused}] were not consumed\n`);
  }

  /** Shows what a build that failed printed last. */
  fail(): void {
    const failed = (name: string): boolean => this.#steps.get(name)?.outcome === "failed";
    const instructions = this.#instructions ?? [];
    const at = instructions.findIndex(({ steps }) => steps.some(failed));
    if (at < this.#at) return;
    if (at > this.#at || !this.#isHeaded) this.#head(instructions, at);
    for (const name of instructions[at]?.steps ?? []) this.#flush(name);
  }

  #end({ step: name, outcome, digest }: Extract<EngineEvent, { type: "step-ended" }>): void {
    const step = this.#steps.get(name);
    if (step === undefined) return;
    step.outcome = outcome;
    step.digest = digest;
  }

  #log({ step: name, stream, data }: Extract<EngineEvent, { type: "step-log" }>): void {
    const step = this.#steps.get(name);
    if (step === undefined) return;
    const text = step.decoders[stream].decode(data, { stream: true });
    if (text === "") return;
    // Docker shows what goes to standard error in red.
    const shown = stream === "stderr" ? `\u001b[91m${text}\u001b[0m` : text;
    if (this.#isShown(name)) return this.#write(shown);
    if (step.heldLength > maxHeld) {
      step.cut += shown.length;
      return;
    }
    step.held.push(shown);
    step.heldLength += shown.length;
  }

  #isShown(name: string): boolean {
    return this.#instructions === undefined || this.#instructions[this.#at]?.steps.includes(name) === true;
  }

  /** Shows instructions as far as their steps have ended; the arrow of the last one comes with the image. */
  #advance(isOver = false): void {
    const instructions = this.#instructions ?? [];
    for (let instruction = instructions[this.#at]; instruction !== undefined; instruction = instructions[this.#at]) {
      if (!this.#isHeaded) this.#head(instructions, this.#at);
      for (const name of instruction.steps) this.#flush(name);
      const steps = instruction.steps.map((name) => this.#steps.get(name));
      const isDone = steps.every((step) => step?.outcome === "done" || step?.outcome === "cached");
      if (!isDone && !isOver) return;
      if (steps.length > 0 && steps.every((step) => step?.outcome === "cached")) this.#write(" ---> Using cache\n");
      this.#note(instruction, steps.findLast((step) => step?.digest !== undefined)?.digest);
      if (this.#at < instructions.length - 1) {
        this.#write(/^ARG\s/i.test(instruction.text) && this.#stage === "" ? "" : ` ---> ${this.#top}\n`);
      }
      this.#at++;
      this.#isHeaded = false;
    }
  }

  #head(instructions: readonly Instruction[], at: number): void {
    this.#write(`Step ${at + 1}/${instructions.length} : ${instructions[at]?.text ?? ""}\n`);
    this.#isHeaded = true;
  }

  /** Keeps what lies on top after an instruction. */
  #note({ text }: Instruction, digest: string | undefined): void {
    const [, base = "", name] = /^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(text) ?? [];
    if (base !== "") {
      this.#stage = (name ?? `#${this.#at}`).toLowerCase();
      this.#top = this.#stages.get(base.toLowerCase()) ?? shortId(this.#idOf(base) ?? "");
    }
    if (digest !== undefined) this.#top = shortId(digest);
    this.#stages.set(this.#stage, this.#top);
  }

  #flush(name: string): void {
    const step = this.#steps.get(name);
    if (step === undefined || step.held.length === 0) return;
    for (const text of step.held.splice(0)) this.#write(text);
    if (step.cut > 0) this.#write(`[${step.cut} characters of output were left out here]\n`);
    step.heldLength = 0;
    step.cut = 0;
  }
}

/** The start of a digest, as docker shows IDs. */
export function shortId(id: string): string {
  return isDigest(id) ? digestHex(id).slice(0, 12) : id.slice(0, 12);
}

function newStep(): Step {
  return {
    held: [],
    heldLength: 0,
    cut: 0,
    decoders: { stdout: new TextDecoder(), stderr: new TextDecoder() },
    outcome: undefined,
    digest: undefined,
  };
}
