import type { SecretSource } from "../build/run_options.ts";
import { EngineError } from "../errors.ts";
import { splitCsv } from "./csv_line.ts";
import { refused } from "./run_option.ts";

/** Gives a variable of the environment; undefined when it is not set. */
export type Environment = (name: string) => string | undefined;

/** Most bytes of a secret (as docker has it). */
const maxSecretBytes = 500 * 1024;

const secretForm = "id=ID[,src=PATH|,env=NAME]";

/**
 * Reads `--secret` as docker does: `id=ID` with `src=PATH` or `env=NAME`; with the ID alone it is the variable of that name,
 * when set, else the file. A variable that is not set is an empty secret. What is no regular file, such as a pipe, is read now.
 * Throws `INVALID_ARGUMENT`, `NOT_FOUND` for a missing file, `OS_FAILED` for one that cannot be read; never shows the secret.
 */
export async function readSecret(
  text: string,
  environment: Environment,
): Promise<{ readonly id: string; readonly source: SecretSource }> {
  const { id, path, variable } = parseSecret(text);
  if (variable !== undefined) return { id, source: { type: "value", value: environment(variable) ?? "" } };
  const value = path === undefined ? environment(id) : undefined;
  if (value !== undefined) return { id, source: { type: "value", value } };
  return { id, source: await fileSource(id, path ?? id) };
}

const knownFields: readonly string[] = ["id", "type", "src", "source", "env"];

/** The text without what may be a secret that somebody wrote into it. */
function masked(text: string): string {
  return text.replace(/(^|,)"?([^=,"]*)=[^,]*/g, (field, comma: string, key: string) => {
    return knownFields.includes(key.trim().toLowerCase()) ? field : `${comma}${key}=…`;
  });
}

interface SecretFields {
  readonly id: string;
  readonly path: string | undefined;
  readonly variable: string | undefined;
}

function parseSecret(text: string): SecretFields {
  const fields = new Map<string, string>();
  for (const field of splitCsv(text) ?? [text]) {
    const [, key = "", value = ""] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
    const name = key.trim().toLowerCase();
    if (name === "") throw refused("secret", text, secretForm, `"${field}" is no key=value`);
    if (!knownFields.includes(name)) throw refused("secret", masked(text), secretForm, `"${name}" is no part of it`);
    fields.set(name === "source" ? "src" : name, value);
  }
  const id = fields.get("id") ?? "";
  const type = fields.get("type") ?? "";
  if (id === "") throw refused("secret", text, secretForm, "it has no id");
  if (type !== "" && type !== "file" && type !== "env") {
    throw refused("secret", text, "type=file or type=env", `"${type}" is no type`);
  }
  const path = fields.get("src") || undefined;
  const variable = fields.get("env") || undefined;
  if (variable !== undefined && path !== undefined) throw refused("secret", text, "either src or env", "it has both");
  // As docker has it, `src` of a variable is its name.
  if (type === "env") return { id, path: undefined, variable: variable ?? path ?? id };
  if (type === "file" && variable !== undefined) throw refused("secret", text, "src=PATH", "a file has no variable");
  return { id, path: type === "file" ? path ?? id : path, variable };
}

async function fileSource(id: string, path: string): Promise<SecretSource> {
  const info = await Deno.stat(path).catch((cause) => {
    throw unreadable(id, path, cause);
  });
  if (info.isDirectory) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot take secret "${id}" from "${path}": it is a directory`, {
      detail: { field: "secret", value: path },
    });
  }
  if (info.size > maxSecretBytes) throw tooLarge(id, path);
  if (info.isFile) return { type: "file", path };
  const bytes = await readAll(path).catch((cause) => {
    throw unreadable(id, path, cause);
  });
  if (bytes.length > maxSecretBytes) throw tooLarge(id, path);
  return { type: "value", value: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) };
}

/** Bytes of a pipe or device, hardly more than a secret may have. */
async function readAll(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(maxSecretBytes + 1);
  let length = 0;
  for (let count: number | null = 1; count !== null && count > 0 && length < bytes.length; length += count ?? 0) {
    count = await file.read(bytes.subarray(length));
  }
  return bytes.subarray(0, length);
}

function tooLarge(id: string, path: string): EngineError {
  const message =
    `Cannot take secret "${id}" from "${path}": it is too large, expected at most ${maxSecretBytes} bytes`;
  return new EngineError("INVALID_ARGUMENT", message, { detail: { field: "secret", value: path } });
}

function unreadable(id: string, path: string, cause: unknown): EngineError {
  if (cause instanceof Deno.errors.NotFound) {
    return new EngineError("NOT_FOUND", `Cannot take secret "${id}" from "${path}": there is no such file`, {
      cause,
      detail: { kind: "file", name: path },
      hint: "Name the file with src=PATH, or a variable with env=NAME",
    });
  }
  const state = cause instanceof Deno.errors.PermissionDenied ? "permission denied" : "it cannot be read";
  return new EngineError("OS_FAILED", `Cannot take secret "${id}" from "${path}": ${state}`, {
    cause,
    detail: { path },
  });
}

/**
 * Reads `--ssh`: `ID`, whose socket is that of `SSH_AUTH_SOCK`, or `ID=SOCKET`. Throws `INVALID_ARGUMENT`, `NOT_FOUND` for a missing
 * socket, and `UNSUPPORTED` for the file of a key.
 */
export async function readAgent(
  text: string,
  environment: Environment,
): Promise<{ readonly id: string; readonly socket: string }> {
  const equals = text.indexOf("=");
  const id = (equals < 0 ? text : text.slice(0, equals)) || "default";
  const given = equals < 0 ? "" : text.slice(equals + 1);
  const socket = given || environment("SSH_AUTH_SOCK") || "";
  if (socket === "") {
    throw new EngineError("INVALID_ARGUMENT", `Cannot use --ssh "${text}": SSH_AUTH_SOCK is not set`, {
      detail: { field: "ssh", value: text },
      hint: "Start an agent and load a key: eval $(ssh-agent) && ssh-add",
    });
  }
  const paths = socket.split(",");
  for (const path of paths) await checkSocket(text, path);
  if (paths.length > 1) throw refused("ssh", text, "one socket", "it names several");
  return { id, socket };
}

async function checkSocket(text: string, path: string): Promise<void> {
  const info = await Deno.stat(path).catch((cause) => {
    const state = cause instanceof Deno.errors.NotFound ? "there is no such socket" : "it cannot be looked at";
    throw new EngineError("NOT_FOUND", `Cannot use --ssh "${text}" with "${path}": ${state}`, {
      cause,
      detail: { kind: "socket", name: path },
    });
  });
  if (info.isSocket) return;
  if (!info.isFile) throw refused("ssh", text, "the socket of an SSH agent", `"${path}" is no socket`);
  throw new EngineError(
    "UNSUPPORTED",
    `Cannot use --ssh "${text}": "${path}" is a file, expected the socket of an agent`,
    {
      detail: { what: "SSH key file", value: path },
      hint: `Load the key into an agent with "ssh-add ${path}" and use --ssh ${
        text.slice(0, Math.max(0, text.indexOf("="))) || "default"
      }`,
    },
  );
}
