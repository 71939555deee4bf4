import { createJSONStorage } from "zustand/middleware";

/** Checkout data lives as long as the tab: a reload keeps it, the next person at this computer does not see it. */
export const inSessionStorage = createJSONStorage(() => sessionStorage);
