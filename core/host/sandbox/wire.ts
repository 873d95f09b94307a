/** What JSON can hold; the contract of the wire, on both sides of which strata's own code stands. */
export type Head = null | boolean | number | string | readonly Head[] | { readonly [name: string]: Head };

/** Carries messages between strata and one sandbox, in order. What comes over it from a sandbox may be anything. */
export interface Wire {
  /** Sends a message. The body is given away: its memory may be moved to the other side. */
  send(head: Head, body?: ArrayBuffer): void;
  /** Sets who is told of messages and of the end, which comes once and with what is known of its reason. Called once, before anything is sent. */
  listen(onMessage: (head: unknown, body: ArrayBuffer | undefined) => void, onEnd: (reason: string) => void): void;
  /** Ends the other side, at once, whatever it is doing. May be called again. */
  close(): Promise<void>;
}
