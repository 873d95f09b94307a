import { join } from "@std/path";

/** A running S3 server of its own, on a free port of this host, with one bucket. */
export interface S3Server extends AsyncDisposable {
  /** URL without a slash at its end. */
  readonly endpoint: string;
  /** Host and port. */
  readonly host: string;
  /** Name of the bucket. */
  readonly bucket: string;
  /** Folder with the bucket's objects, as files by their keys. */
  readonly folder: string;
  /** Login, as variables. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts versitygw (posix backend) with an empty bucket; disposing it ends it and removes what it kept. */
export async function startS3(): Promise<S3Server> {
  const root = await Deno.makeTempDir({ prefix: "strata-s3-" });
  const bucket = "images";
  await Deno.mkdir(join(root, bucket));
  const [port, access, secret] = [freePort(), "strata-test", "a secret of tests"];
  const host = `127.0.0.1:${port}`;
  const child = new Deno.Command("versitygw", {
    args: ["--port", host, "--keep-alive", "--quiet", "posix", root],
    env: { ROOT_ACCESS_KEY: access, ROOT_SECRET_KEY: secret },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const reading = (async (): Promise<void> => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) log = (log + text).slice(-200_000);
  })();
  const stop = async (): Promise<void> => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
    await reading;
    await Deno.remove(root, { recursive: true });
  };
  try {
    await untilListening(port, child);
  } catch (cause) {
    await stop();
    throw new Error(`versitygw did not start: ${log}`, { cause });
  }
  return {
    endpoint: `http://${host}`,
    host,
    bucket,
    folder: join(root, bucket),
    env: { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret },
    [Symbol.asyncDispose]: stop,
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilListening(port: number, child: Deno.ChildProcess): Promise<void> {
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  for (let attempt = 0; attempt < 800; attempt++) {
    if (hasEnded) throw new Error("it ended");
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error("it does not listen");
}
