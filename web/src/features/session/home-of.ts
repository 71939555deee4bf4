import type { Role } from "@ordercast/client";

/** Where somebody's work, or pleasure, is. */
export function homeOf(role: Role | (string & {})): "/admin" | "/driver" | "/shop" {
  if (role === "admin" || role === "store") return "/admin";
  return role === "driver" ? "/driver" : "/shop";
}
