import type { EngineEvent } from "../../contract/call.ts";
import { digestHex, isDigest } from "../../oci/digest.ts";
import type { WriteMessage } from "./json_stream.ts";

/** Words for how it stands with one layer. */
export interface TransferWords {
  /** Before the first byte. */
  readonly waiting: string;
  readonly moving: string;
  /** One after the other, when all bytes are there. */
  readonly done: readonly string[];
  /** One after the other, when it is there already. */
  readonly cached: readonly string[];
  /** Whether those that are there are told of only when something is new, as docker does when it pulls. */
  readonly holdsCached: boolean;
}

/** Words of a pull. */
export const pullWords: TransferWords = {
  waiting: "Pulling fs layer",
  moving: "Downloading",
  done: ["Download complete", "Pull complete"],
  cached: ["Already exists"],
  holdsCached: true,
};

/** Words of a push. */
export const pushWords: TransferWords = {
  waiting: "Preparing",
  moving: "Pushing",
  done: ["Pushed"],
  cached: ["Preparing", "Layer already exists"],
  holdsCached: false,
};

interface Layer {
  readonly id: string;
  isMoving: boolean;
  note: string | undefined;
}

interface Line {
  readonly status: string;
  readonly id: string;
}

/** Writes docker's messages about the layers that are moved; what else is copied is not told of. */
export class TransferLines {
  readonly #words: TransferWords;
  readonly #write: WriteMessage;
  /** Layers by step, each with what it says of itself. */
  readonly #layers = new Map<string, Layer>();
  readonly #held: Line[] = [];

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
      this.#begin(layer);
      const { current, total } = event;
      const progressDetail = { current, ...(total === undefined ? {} : { total }) };
      this.#write({ status: this.#words.moving, progressDetail, id });
    } else if (event.outcome === "cached") {
      this.#held.push(...this.#words.cached.map((status) => ({ status, id })));
      if (!this.#words.holdsCached) this.flush();
    } else if (event.outcome === "done") {
      this.#begin(layer);
      for (const status of layer.note === undefined ? this.#words.done : [layer.note]) this.#tell({ status, id });
    }
  }

  /** Tells of the layers that were there, where something else is new. */
  flush(): void {
    for (const line of this.#held.splice(0)) this.#tell(line);
  }

  #begin(layer: Layer): void {
    this.flush();
    if (!layer.isMoving) this.#tell({ status: this.#words.waiting, id: layer.id });
    layer.isMoving = true;
  }

  #start({ step, name }: Extract<EngineEvent, { type: "step-started" }>): void {
    const digest = /^layer (\S+)$/.exec(name)?.[1];
    if (digest === undefined || !isDigest(digest)) return;
    this.#layers.set(step, { id: digestHex(digest).slice(0, 12), isMoving: false, note: undefined });
  }

  #tell({ status, id }: Line): void {
    this.#write({ status, progressDetail: {}, id });
  }
}
