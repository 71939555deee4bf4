import type { Order } from "@ordercast/client";
import type { QueryClient } from "@tanstack/react-query";
import { useCurrencies } from "../i18n/currencies";
import { type Delivery, deliveryQuery } from "./deliveries";
import { type HistoryEntry, historyQuery, orderQuery } from "./orders";
import { configQuery, lineNamesKey, type ShopConfig } from "./shop";

/** What the server has put into the document of an order's page: answers that it would be asked for next. */
interface InitialData {
  orderId: string;
  config: ShopConfig;
  order: Order;
  /** None where it is longer than one answer. */
  history: HistoryEntry[] | null;
  delivery: Delivery;
  names: Record<string, string>;
}

/** Begins with what came with the document, if anything did: nothing of it need be asked for again. */
export function loadInitialData(queries: QueryClient): void {
  const text = document.getElementById("initial-data")?.textContent ?? "null";
  const data = JSON.parse(text) as InitialData | null;
  const token = new URLSearchParams(location.search).get("token");
  if (data === null || token === null) return;
  const { orderId, config, order, history, delivery, names } = data;
  useCurrencies.setState({ digits: config.currencyDigits });
  queries.setQueryData(configQuery.queryKey, config);
  queries.setQueryData(orderQuery(orderId, token).queryKey, order);
  queries.setQueryData(deliveryQuery(orderId, token).queryKey, delivery);
  queries.setQueryData(lineNamesKey, names);
  if (history !== null) queries.setQueryData(historyQuery(orderId, token).queryKey, history);
}
