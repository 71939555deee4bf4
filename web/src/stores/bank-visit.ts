/** The token of an order is kept for the tab while its buyer is at their bank, who is told no more than the order's id. */
const KEY = "ordercast.bank-visit";

/** Go to the bank; it sends the buyer back to the order. */
export function visitBank(url: string, orderId: string, token: string | null | undefined) {
  // A sign-in comes back by itself, and may be another by then.
  if (token?.startsWith("trk_")) sessionStorage.setItem(`${KEY}.${orderId}`, token);
  location.assign(url);
}

/** The token of an order whose buyer has come back. */
export const tokenFromVisit = (orderId: string) => sessionStorage.getItem(`${KEY}.${orderId}`) ?? undefined;
