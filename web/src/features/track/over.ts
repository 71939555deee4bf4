import type { Order } from "@ordercast/client";

const ENDED: readonly Order["status"][] = ["delivered", "returned", "cancelled", "rejected", "expired"];

/** Whether nothing happens to the order any more. */
export const isOver = ({ status }: Order): boolean => ENDED.includes(status);
