import type { Json } from "../../oci/canonical_json.ts";
import { type ApiVersion, isBefore } from "./version.ts";

type JsonObject = { readonly [key: string]: Json };

/** Members that a config of a container has in docker's older versions also where nothing is set. */
const unsetConfig: JsonObject = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** What `image inspect` found, as a version of docker's API has it. */
export function inspectedAs(image: JsonObject, version: ApiVersion, driver: string): JsonObject {
  // Not docker's members; a descriptor is told from version 1.48 on.
  const { Digest: _digest, Alias: _alias, Platforms: _platforms, Descriptor: _descriptor, ...own } = image;
  const config = typeof own.Config === "object" && own.Config !== null && !Array.isArray(own.Config) ? own.Config : {};
  const created = typeof own.Created === "string" ? { Created: goTime(own.Created) } : {};
  return {
    ...own,
    ...created,
    DockerVersion: own.DockerVersion ?? "",
    Config: { ...unsetConfig, ...config },
    GraphDriver: { Data: null, Name: driver },
    ...(isBefore(version, "1.44") ? { VirtualSize: own.Size ?? 0, Created: "0001-01-01T00:00:00Z", ...created } : {}),
    ...(isBefore(version, "1.45") ? { Container: "", ContainerConfig: unsetConfig } : {}),
  };
}

/** A time as Go writes it: a fraction without zeros at its end. */
function goTime(text: string): string {
  return text.replace(/(\.[0-9]*?)0+(?=Z|[+-])/, "$1").replace(/\.(?=Z|[+-])/, "");
}
