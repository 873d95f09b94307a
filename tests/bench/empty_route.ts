/** Answers at a free port with a route of Hono that gives nothing, and prints where, for a benchmark. */
import { Hono } from "hono";

const app = new Hono().get("/", (c) => c.body(null));
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
console.log(`http://127.0.0.1:${server.addr.port}/`);
