import type { Address } from "@ordercast/client";
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { EMPTY_ADDRESS } from "./address";
import { inSessionStorage } from "./session-storage";

interface BillingState {
  billing: Address;
  setBilling: (change: Partial<Address>) => void;
}

export const useBilling = create<BillingState>()(
  persist(
    (set) => ({
      billing: EMPTY_ADDRESS,
      setBilling: (change) => set(({ billing }) => ({ billing: { ...billing, ...change } })),
    }),
    { name: "ordercast.billing", storage: inSessionStorage },
  ),
);
