import type { Call, Kit } from "../../core/contract/mod.ts";
import type { RegistryClient, RegistryRequest } from "./client.ts";
import { broken } from "./failure.ts";
import { nextLink } from "./link.ts";

/** One page of a list. */
export interface Page {
  /** Its JSON. */
  readonly value: unknown;
  /** Headers of the answer. */
  readonly headers: Headers;
}

const maxPageBytes = 16 * 1024 * 1024;
const maxPages = 10_000;

/**
 * The pages of a list, as the registry links them. Ends without a page for a 404. Rejects `REMOTE_FAILED` for what is no JSON, and for
 * links that lead elsewhere or in a circle.
 */
export async function* readPages(
  request: RegistryRequest,
  { client, kit }: { readonly client: RegistryClient; readonly kit: Kit },
  call: Call,
): AsyncGenerator<Page> {
  const doing = { doing: request.doing, host: client.endpoint.host };
  const seen = new Set<string>();
  let at: string | URL = request.at;
  while (true) {
    const answer = await client.send({ ...request, at }, call);
    if (answer.status === 404 && seen.size === 0) return await answer.drain();
    if (answer.status !== 200) throw await client.refusal(answer, request);
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder().decode(await answer.collect(maxPageBytes)));
    } catch (cause) {
      if (cause instanceof SyntaxError || cause instanceof RangeError) {
        throw broken("answered with no list", doing, kit);
      }
      throw cause;
    }
    yield { value, headers: answer.headers };
    const link = nextLink(answer.headers);
    if (link === undefined) return;
    const next = URL.parse(link, answer.url);
    if (next === null || next.origin !== answer.url.origin) {
      throw broken("continues its list at another host", doing, kit);
    }
    if (seen.has(next.href) || seen.size === maxPages) throw broken("continues its list without end", doing, kit);
    seen.add(next.href);
    at = next;
  }
}
