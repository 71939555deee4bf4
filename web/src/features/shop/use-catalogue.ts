import { useQuery } from "@tanstack/react-query";
import { productsQuery } from "../../api/shop";
import { useShopIsLive } from "../../api/shop-is-live";

/** How old what the shelves say may be while somebody looks at them, and hears of no change. */
const STOCK_EVERY_MS = 20_000;

/** What is for sale. What is left is somebody else's to buy, too. */
export function useCatalogue() {
  const isLive = useShopIsLive((state) => state.isLive);
  return useQuery({ ...productsQuery, refetchInterval: isLive ? false : STOCK_EVERY_MS });
}
