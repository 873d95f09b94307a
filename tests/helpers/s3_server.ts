import { join } from "@std/path";
import { freePort, startServerProcess } from "./server_process.ts";

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
  const server = await startServerProcess("versitygw", {
    args: ["--port", host, "--keep-alive", "--quiet", "posix", root],
    env: { ROOT_ACCESS_KEY: access, ROOT_SECRET_KEY: secret },
    port,
    folder: root,
  });
  return {
    endpoint: `http://${host}`,
    host,
    bucket,
    folder: join(root, bucket),
    env: { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
