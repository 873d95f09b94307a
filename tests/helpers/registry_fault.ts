import type { Fault } from "./registry_server.ts";

/** Answers in place of the registry. */
export function answerWith(status: number, headers: Record<string, string> = {}, body: BodyInit | null = null): Fault {
  return async (request) => {
    await request.body?.cancel().catch(() => {});
    return new Response(body, { status, headers });
  };
}

/** Does what was asked, and then answers with another status, as when the right answer is lost. */
export function answerLost(status: number): Fault {
  return async (request, next) => {
    await (await next(request)).body?.cancel();
    return new Response(null, { status });
  };
}

/** Changes headers of the answer; undefined takes one away. */
export function withHeaders(headers: Readonly<Record<string, string | undefined>>): Fault {
  return async (request, next) => {
    const response = await next(request);
    const changed = new Headers(response.headers);
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) changed.delete(name);
      else changed.set(name, value);
    }
    return new Response(response.body, { status: response.status, headers: changed });
  };
}

/** Lets so many bytes of the body pass and then breaks the connection. */
export function cutAfter(bytes: number): Fault {
  return async (request, next) => {
    const response = await next(request);
    const whole = new Uint8Array(await response.arrayBuffer());
    const { status, headers } = response;
    return new Response(breaking(whole.subarray(0, bytes)), { status, headers });
  };
}

/** Lets so many bytes of the body pass and then ends it as if that were all. */
export function endAfter(bytes: number): Fault {
  return async (request, next) => {
    const response = await next(request);
    const whole = new Uint8Array(await response.arrayBuffer());
    const headers = new Headers(response.headers);
    headers.delete("content-length");
    // A stream is sent without a length.
    return new Response(new Blob([whole.slice(0, bytes)]).stream(), { status: response.status, headers });
  };
}

/** Changes one byte of the body. */
export function corruptAt(offset: number): Fault {
  return async (request, next) => {
    const response = await next(request);
    const bytes = new Uint8Array(await response.arrayBuffer());
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    return new Response(bytes, { status: response.status, headers: response.headers });
  };
}

/** Lets so many bytes of the body pass and then falls silent until the client gives up. */
export function silentAfter(bytes: number): Fault {
  return async (request, next) => {
    const response = await next(request);
    const whole = new Uint8Array(await response.arrayBuffer());
    const body = new ReadableStream<Uint8Array>({
      start(controller): void {
        if (bytes > 0) controller.enqueue(whole.subarray(0, bytes));
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  };
}

/** Answers nothing at all until the client gives up. */
export function neverAnswer(): Fault {
  return async (request, _next, closing) => {
    await closing;
    await request.body?.cancel().catch(() => {});
    return new Response(null, { status: 500 });
  };
}

function breaking(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isSent = bytes.length === 0;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      if (!isSent) {
        isSent = true;
        controller.enqueue(bytes);
        return;
      }
      // The bytes before have to go out first.
      await new Promise((resolve) => setTimeout(resolve, 5));
      controller.error(new Error("cut"));
    },
  }, { highWaterMark: 0 });
}
