import type { Role } from "@ordercast/client";

/** Where somebody's work, or pleasure, is. */
export function homeOf(role: Role | (string & {})): "/admin" | "/bookings" | "/driver" | "/shop" {
  if (role === "admin" || role === "store") return "/admin";
  if (role === "carer") return "/bookings";
  return role === "driver" ? "/driver" : "/shop";
}
