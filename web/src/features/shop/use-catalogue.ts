import { useQuery } from "@tanstack/react-query";
import { productsQuery } from "../../api/shop";

/** How old what the shelves say may be while somebody looks at them. */
const STOCK_EVERY_MS = 20_000;

/** What is for sale. What is left is somebody else's to buy, too. */
export const useCatalogue = () => useQuery({ ...productsQuery, refetchInterval: STOCK_EVERY_MS });
