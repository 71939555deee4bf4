import { useSession } from "./session";

/** The token of a signed-in customer. Staff who try the shop order as guests: an order belongs to a customer. */
export function useCustomerToken(): string | undefined {
  const session = useSession();
  return session?.user.role === "customer" ? session.token : undefined;
}
