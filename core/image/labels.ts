import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { isEngineError } from "../errors.ts";
import { chooseContent } from "./choose_content.ts";
import type { StoredImage } from "./stored_image.ts";

/** Labels of an image; of an index, those for this machine's platform. Empty for what is no container image. */
export async function readLabels(
  store: Store,
  image: StoredImage,
  call: Call,
): Promise<Readonly<Record<string, string>>> {
  try {
    const choice = { descriptor: image.descriptor, name: image.id, platform: undefined };
    const { config } = await chooseContent(store, choice, call);
    return config.config?.Labels ?? {};
  } catch (error) {
    if (isEngineError(error) && error.code !== "CANCELED" && error.code !== "OS_FAILED") return {};
    throw error;
  }
}
