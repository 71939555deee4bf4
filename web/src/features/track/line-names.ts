import type { Order } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lineNamesKey, productsQuery } from "../../api/shop";
import { useText } from "../../i18n/text";

type OrderLine = Order["cartItems"][number];

/** How the goods of an order are called in the page's language: by the catalogue of today, else as they were sold. */
export function useLineName(): (line: OrderLine) => string {
  const { locale } = useText();
  const fromServer = useQueryClient().getQueryData<Record<string, string>>(lineNamesKey);
  const asks = locale === "bn" && fromServer === undefined;
  const products = useQuery({ ...productsQuery, enabled: asks }).data;
  if (locale === "en") return ({ name }) => name;
  return ({ productId, name }) =>
    fromServer?.[productId] ?? (products?.find(({ id }) => id === productId)?.nameBn || name);
}
