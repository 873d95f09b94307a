/** Runs in a process with the permissions of one plugin: serves it over standard input and output. */
import { servePlugin } from "./serve.ts";
import { openStdioWire } from "./stdio_wire.ts";

const wire = openStdioWire();
servePlugin(wire);
wire.send({ t: "ready" });
