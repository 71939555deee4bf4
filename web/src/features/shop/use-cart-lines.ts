import type { Product } from "../../api/shop";
import { type Remembered, useCart } from "../../stores/cart";
import type { Line } from "./cart-lines";

/** The lines of the cart, with what the catalogue says of each. */
export function useCartLines(products: Product[] | undefined): Line[] {
  const { quantities, remembered } = useCart();
  return linesOf(quantities, products, remembered);
}

const FORGOTTEN: Remembered = { name: "", nameBn: "", image: "" };

/** What left the catalogue since it was put in the cart stays there, to be seen and taken out. */
function linesOf(
  quantities: Record<string, number>,
  products: Product[] | undefined,
  remembered: Record<string, Remembered>,
): Line[] {
  if (products === undefined) return [];
  return Object.entries(quantities).map(([id, quantity]) => {
    const product = products.find((candidate) => candidate.id === id);
    return product === undefined
      ? { gone: { id, ...(remembered[id] ?? FORGOTTEN) }, quantity }
      : { product, quantity };
  });
}
