import type { Address, Fulfilment } from "@ordercast/client";
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { EMPTY_ADDRESS } from "./address";
import { inSessionStorage } from "./session-storage";

export interface Place {
  lat: number;
  lng: number;
}

interface ShippingState {
  fulfilment: Fulfilment;
  sameAsBilling: boolean;
  shipping: Address;
  /** Where the door is, if the buyer has said so: by it the arrival is estimated. */
  place: Place | null;
  /** When the buyer wants to have it; null for as soon as possible. */
  requestedTime: string | null;
  setRequestedTime: (time: string | null) => void;
  setPlace: (place: Place | null) => void;
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
      place: null,
      requestedTime: null,
      setRequestedTime: (requestedTime) => set({ requestedTime }),
      setPlace: (place) => set({ place }),
      setFulfilment: (fulfilment) => set({ fulfilment }),
      setSameAsBilling: (sameAsBilling) => set({ sameAsBilling }),
      setShipping: (change) => set(({ shipping }) => ({ shipping: { ...shipping, ...change } })),
    }),
    { name: "ordercast.shipping", storage: inSessionStorage },
  ),
);
