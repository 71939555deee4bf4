import { type Session, useSession } from "./session";

/** A signed-in customer. Staff who try the shop order as guests: an order belongs to a customer. */
export function useCustomerSession(): Session | undefined {
  const session = useSession();
  return session?.user.role === "customer" ? session : undefined;
}
