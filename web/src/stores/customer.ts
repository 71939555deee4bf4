import type { CustomerInfo } from "@ordercast/client";
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { inSessionStorage } from "./session-storage";

interface CustomerState {
  customer: CustomerInfo;
  setCustomer: (change: Partial<CustomerInfo>) => void;
}

export const useCustomer = create<CustomerState>()(
  persist(
    (set) => ({
      customer: { name: "", email: "", mobile: "" },
      setCustomer: (change) => set(({ customer }) => ({ customer: { ...customer, ...change } })),
    }),
    { name: "ordercast.customer", storage: inSessionStorage },
  ),
);
