import { create } from "zustand";

/** Whether this page hears of the shop by a socket; while it does not, it asks again and again. */
export const useShopIsLive = create<{ isLive: boolean }>(() => ({ isLive: false }));
