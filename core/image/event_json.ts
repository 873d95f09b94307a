import type { EngineEvent } from "../contract/call.ts";

/** An event as JSON has it: the output of a command is text in place of bytes. */
export type JsonEvent =
  | Exclude<EngineEvent, { readonly type: "step-log" }>
  | { readonly type: "step-log"; readonly step: string; readonly stream: "stdout" | "stderr"; readonly data: string };

/**
 * Gives events as JSON has them, in their order. Characters whose bytes come in two events are in the second one; bytes that are no UTF-8
 * become U+FFFD.
 */
export function createEventJson(): (event: EngineEvent) => JsonEvent {
  const decoders = new Map<string, TextDecoder>();
  return (event) => {
    if (event.type !== "step-log") return event;
    const key = `${event.stream} ${event.step}`;
    const decoder = decoders.get(key) ?? new TextDecoder();
    decoders.set(key, decoder);
    return { ...event, data: decoder.decode(event.data, { stream: true }) };
  };
}
