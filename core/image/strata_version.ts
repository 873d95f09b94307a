/** Version of strata, the same as in deno.json. */
export const strataVersion = "0.1.0";
