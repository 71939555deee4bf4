import { create } from "zustand";
import { persist } from "zustand/middleware";
import { inSessionStorage } from "./session-storage";

/** The server's bounds for one line. */
export const QUANTITY_MAX = 999;
export const NOTE_MAX = 200;

/** What was put in, for when the catalogue has it no more. */
export interface Remembered {
  name: string;
  nameBn: string;
  image: string;
}

interface CartState {
  /** Product id to quantity, in the order they were first put in. */
  quantities: Record<string, number>;
  remembered: Record<string, Remembered>;
  /** What the kitchen is to know of a product, as it was typed. */
  notes: Record<string, string>;
  /** As it was typed; the server says whether it holds. */
  promoCode: string;
  add: (product: Remembered & { id: string }) => void;
  setQuantity: (productId: string, quantity: number) => void;
  setNote: (productId: string, note: string) => void;
  setPromoCode: (code: string) => void;
  clear: () => void;
}

export const useCart = create<CartState>()(
  persist(
    (set) => ({
      quantities: {},
      remembered: {},
      notes: {},
      promoCode: "",
      add: ({ id, name, nameBn, image }) =>
        set(({ quantities, remembered }) => ({
          quantities: withQuantity(quantities, id, (quantities[id] ?? 0) + 1),
          remembered: { ...remembered, [id]: { name, nameBn, image } },
        })),
      setQuantity: (productId, quantity) =>
        set(({ quantities, notes }) => {
          const left = withQuantity(quantities, productId, quantity);
          return { quantities: left, notes: productId in left ? notes : without(notes, productId) };
        }),
      setNote: (productId, note) => set(({ notes }) => ({ notes: { ...notes, [productId]: note } })),
      setPromoCode: (promoCode) => set({ promoCode }),
      clear: () => set({ quantities: {}, remembered: {}, notes: {}, promoCode: "" }),
    }),
    { name: "ordercast.cart", storage: inSessionStorage },
  ),
);

function withQuantity(
  quantities: Record<string, number>,
  productId: string,
  wanted: number,
): Record<string, number> {
  const quantity = Math.min(Math.max(Math.trunc(wanted), 0), QUANTITY_MAX);
  if (quantity > 0) return { ...quantities, [productId]: quantity };
  return without(quantities, productId);
}

function without<Value>(values: Record<string, Value>, productId: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter(([id]) => id !== productId));
}

export function countOf(quantities: Record<string, number>): number {
  return Object.values(quantities).reduce((sum, quantity) => sum + quantity, 0);
}
