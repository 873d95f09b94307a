import type { NameChange } from "../contract/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import { imageName } from "../store/names.ts";

/** The change that names an image by its digest in a repository. */
export function digestName({ host, repository }: Reference, recorded: Descriptor): NameChange {
  return { name: imageName({ host, repository, digest: recorded.digest }), descriptor: recorded };
}
