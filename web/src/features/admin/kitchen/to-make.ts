import type { Order } from "@ordercast/client";

export interface ItemCount {
  name: string;
  count: number;
}

/** How many of each item are to be made, the most first: what a kitchen makes at once. */
export function toMake(orders: readonly Order[]): ItemCount[] {
  const counts = new Map<string, ItemCount>();
  for (const line of orders.flatMap(({ cartItems }) => cartItems)) {
    const key = line.productId || line.name;
    const known = counts.get(key) ?? { name: line.name, count: 0 };
    counts.set(key, { ...known, count: known.count + line.quantity });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
