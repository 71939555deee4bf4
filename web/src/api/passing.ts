import type { CommandRefused } from "@ordercast/client";

const PASSING = new Set([
  "too_many_attempts",
  "request_running",
  "store_unavailable",
  "overloaded",
  "locked_elsewhere",
  "internal_error",
  "sign_in_required",
]);

/** Whether the same command may be taken in a while. */
export const passes = (error: CommandRefused): boolean => PASSING.has(error.code);
