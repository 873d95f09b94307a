/** What a run of the docker client printed. */
export interface DockerRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The docker client of this machine, spoken to one server, with a configuration of its own. */
export interface DockerClient {
  /** Address of the server, as `DOCKER_HOST`. */
  readonly host: string;
  /** Runs a command. */
  run(...args: readonly string[]): Promise<DockerRun>;
  /** Runs a command with bytes on standard input. */
  feed(
    input: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>,
    ...args: readonly string[]
  ): Promise<DockerRun>;
  /** Runs a command and gives its standard output as bytes. Throws when it fails. */
  bytes(...args: readonly string[]): Promise<Uint8Array<ArrayBuffer>>;
  /** Starts a command whose output is read while it runs. */
  spawn(...args: readonly string[]): Deno.ChildProcess;
}

/** How the client is set. */
export interface DockerClientOptions {
  /** Directory of its configuration. */
  readonly config: string;
  /** Version of the API that it speaks; what client and server agree on when left out. */
  readonly apiVersion?: string;
}

/** A client of a server, which builds with the classic builder. */
export function dockerClient(host: string, { config, apiVersion }: DockerClientOptions): DockerClient {
  const env = {
    DOCKER_HOST: host,
    DOCKER_CONFIG: config,
    DOCKER_BUILDKIT: "0",
    ...(apiVersion === undefined ? {} : { DOCKER_API_VERSION: apiVersion }),
  };
  const command = (args: readonly string[], stdin: "null" | "piped"): Deno.Command =>
    new Deno.Command("docker", { args: [...args], env, stdin, stdout: "piped", stderr: "piped" });
  const shown = ({ code, stdout, stderr }: Deno.CommandOutput): DockerRun => ({
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  });
  return {
    host,
    run: async (...args) => shown(await command(args, "null").output()),
    async feed(input, ...args): Promise<DockerRun> {
      const child = command(args, "piped").spawn();
      const stream = input instanceof Uint8Array ? new Blob([input]).stream() : input;
      // A client that fails early does not read all of it.
      const feeding = stream.pipeTo(child.stdin).catch(() => {});
      const output = await child.output();
      await feeding;
      return shown(output);
    },
    async bytes(...args): Promise<Uint8Array<ArrayBuffer>> {
      const output = await command(args, "null").output();
      if (!output.success) throw new Error(`docker ${args.join(" ")}: ${shown(output).stderr}`);
      return output.stdout;
    },
    spawn: (...args) => command(args, "null").spawn(),
  };
}
