/** One way to do the work that is measured. */
export interface Contender {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Folder it runs in. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Process whose peak of memory is told in place of its own, such as a server that it asks. */
  readonly pid?: number;
  /** Run before each measured run and not measured. */
  readonly prepare?: () => Promise<void>;
}

/** What was measured of one contender. */
export interface Measurement {
  readonly name: string;
  /** Median, least and most wall time, milliseconds. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** Largest resident set of the process itself, bytes. */
  readonly peakBytes: number;
}

interface Run {
  readonly milliseconds: number;
  readonly peakBytes: number;
}

/**
 * Runs the contenders in turn (A B C A B C …), so that a machine whose speed drifts is fair to all, after one run of each that does not count.
 */
export async function measure(contenders: readonly Contender[], runs: number): Promise<Measurement[]> {
  const results = contenders.map((): Run[] => []);
  for (let round = -1; round < runs; round++) {
    for (const [i, contender] of contenders.entries()) {
      await contender.prepare?.();
      const run = await runOnce(contender);
      if (round >= 0) results[i]?.push(run);
    }
  }
  return contenders.map(({ name }, i) => {
    const taken = results[i] ?? [];
    const times = taken.map((run) => run.milliseconds).sort((a, b) => a - b);
    return {
      name,
      median: times[Math.floor(times.length / 2)] ?? NaN,
      least: times[0] ?? NaN,
      most: times.at(-1) ?? NaN,
      peakBytes: Math.max(...taken.map((run) => run.peakBytes)),
    };
  });
}

async function runOnce(contender: Contender): Promise<Run> {
  const [program = "", ...args] = contender.command;
  const start = performance.now();
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    ...(contender.cwd === undefined ? {} : { cwd: contender.cwd }),
    ...(contender.env === undefined ? {} : { env: { ...contender.env } }),
  }).spawn();
  let peakBytes = 0;
  // The high-water mark only grows, so the last look before the end is near the truth.
  const timer = setInterval(() => peakBytes = Math.max(peakBytes, readPeak(contender.pid ?? child.pid)), 5);
  const output = new Response(child.stderr).text();
  const status = await child.status;
  const milliseconds = performance.now() - start;
  clearInterval(timer);
  const text = await output;
  if (!status.success) throw new Deno.errors.Interrupted(`${contender.name} failed with ${status.code}:\n${text}`);
  return { milliseconds, peakBytes };
}

function readPeak(pid: number): number {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** A Markdown table of measurements, each with its ratio to the first one. */
export function formatMeasurements(title: string, measurements: readonly Measurement[]): string {
  const base = measurements[0]?.median ?? NaN;
  const rows = measurements.map((each) =>
    `| ${each.name} | ${each.median.toFixed(0)} | ${each.least.toFixed(0)}–${each.most.toFixed(0)} | ` +
    `${(each.median / base).toFixed(2)} | ${(each.peakBytes / 1e6).toFixed(0)} |`
  );
  return [`### ${title}`, "", "| | median ms | range | ratio | peak MB |", "|---|---|---|---|---|", ...rows, ""].join(
    "\n",
  );
}
