import { isEngineError } from "../errors.ts";

/**
 * Has the command started again in a user namespace where that lets it run commands of builds, for what cannot be begun anew once it is
 * found that they have to be run. Does nothing for root, in such a namespace, and where there is none to enter.
 */
export async function enterWherePossible(): Promise<void> {
  const { checkRunRights } = await import("../image/run_rights.ts");
  await checkRunRights().catch((error) => {
    if (isEngineError(error) && error.detail["canEnter"] !== true) return;
    throw error;
  });
}
