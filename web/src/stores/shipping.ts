import type { Address, Fulfilment } from "@ordercast/client";
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { EMPTY_ADDRESS } from "./address";
import { inSessionStorage } from "./session-storage";

interface ShippingState {
  fulfilment: Fulfilment;
  sameAsBilling: boolean;
  shipping: Address;
  setFulfilment: (fulfilment: Fulfilment) => void;
  setSameAsBilling: (same: boolean) => void;
  setShipping: (change: Partial<Address>) => void;
}

export const useShipping = create<ShippingState>()(
  persist(
    (set) => ({
      fulfilment: "delivery",
      sameAsBilling: true,
      shipping: EMPTY_ADDRESS,
      setFulfilment: (fulfilment) => set({ fulfilment }),
      setSameAsBilling: (sameAsBilling) => set({ sameAsBilling }),
      setShipping: (change) => set(({ shipping }) => ({ shipping: { ...shipping, ...change } })),
    }),
    { name: "ordercast.shipping", storage: inSessionStorage },
  ),
);
