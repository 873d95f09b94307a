import type { EngineEvent } from "../../contract/call.ts";
import { digestHex, isDigest } from "../../oci/digest.ts";
import type { WriteMessage } from "./json_stream.ts";

/** Words for how it stands with one layer. */
export interface TransferWords {
  /** Before the first byte; none when undefined. */
  readonly waiting: string | undefined;
  readonly moving: string;
  /** One after the other, when all bytes are there. */
  readonly done: readonly string[];
  /** When the other end has it already. */
  readonly cached: string;
}

/** Words of a pull. */
export const pullWords: TransferWords = {
  waiting: "Pulling fs layer",
  moving: "Downloading",
  done: ["Download complete", "Pull complete"],
  cached: "Already exists",
};

/** Words of a push. */
export const pushWords: TransferWords = {
  waiting: "Preparing",
  moving: "Pushing",
  done: ["Pushed"],
  cached: "Layer already exists",
};

/** Writes docker's messages about the layers that are moved; what else is copied is not told of. */
export class TransferLines {
  readonly #words: TransferWords;
  readonly #write: WriteMessage;
  /** Layers by step, each with what it says of itself. */
  readonly #layers = new Map<string, { readonly id: string; isMoving: boolean; note: string | undefined }>();

  constructor(words: TransferWords, write: WriteMessage) {
    this.#words = words;
    this.#write = write;
  }

  /** Takes an event of a transfer. */
  emit(event: EngineEvent): void {
    if (event.type === "step-started") return this.#start(event);
    if (event.type === "warning" || event.type === "instructions") return;
    const layer = this.#layers.get(event.step);
    if (layer === undefined) return;
    const { id } = layer;
    if (event.type === "step-log") layer.note = new TextDecoder().decode(event.data).trim();
    else if (event.type === "step-progress") {
      if (!layer.isMoving && this.#words.waiting !== undefined) this.#tell(id, this.#words.waiting);
      layer.isMoving = true;
      const { current, total } = event;
      const progressDetail = { current, ...(total === undefined ? {} : { total }) };
      this.#write({ status: this.#words.moving, progressDetail, id });
    } else if (event.outcome === "cached") this.#tell(id, layer.note ?? this.#words.cached);
    else if (event.outcome === "done") {
      for (const word of layer.note === undefined ? this.#words.done : [layer.note]) this.#tell(id, word);
    }
  }

  #start({ step, name }: Extract<EngineEvent, { type: "step-started" }>): void {
    const digest = /^layer (\S+)$/.exec(name)?.[1];
    if (digest === undefined || !isDigest(digest)) return;
    this.#layers.set(step, { id: digestHex(digest).slice(0, 12), isMoving: false, note: undefined });
  }

  #tell(id: string, status: string): void {
    this.#write({ status, progressDetail: {}, id });
  }
}
