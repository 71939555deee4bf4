import type { Order } from "@ordercast/client";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "wouter";
import { ownOrdersQuery } from "../../api/orders";
import { useText } from "../../i18n/text";
import { useLive } from "../../live/use-live";
import { Button } from "../../ui/button";
import { PaymentBadge, StatusBadge } from "../../ui/badges";
import { CallShop } from "../../ui/call-shop";
import { Connection } from "../../ui/connection";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { KeyedText } from "../../ui/keyed-text";
import { Shell } from "../../ui/shell";
import { currentToken, useSession } from "../session/session";
import { useLastingSession } from "../session/use-lasting-session";

/** What the customer has ordered, newest first, each as it stands now. */
export function OwnOrders() {
  const { t } = useText();
  const name = useSession()?.user.name ?? "";
  const id = useSession()?.user.id ?? "";
  const { live, snapshot } = useLive(currentToken);
  useLastingSession(live, snapshot);
  const queries = useQueryClient();
  const query = ownOrdersQuery(id, currentToken);
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } =
    useInfiniteQuery(query);
  useEffect(() => {
    const { queryKey } = ownOrdersQuery(id, currentToken);
    const anew = () => void queries.invalidateQueries({ queryKey });
    const stops = [live.on("customer_order_update", anew), live.on("ready", anew), live.onGap(anew)];
    return () => stops.forEach((stop) => stop());
  }, [live, queries, id]);
  const orders = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Shell
      title={t("orders.title")}
      lead={t("account.customer", { name })}
      tools={
        <>
          <CallShop />
          <Connection snapshot={snapshot} />
        </>
      }
    >
      {error && <ProblemNote error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading cards={2} />}
      {data && orders.length === 0 && (
        <Empty title={t("orders.none")}>
          <Link href="/shop" className="button button--primary">
            {t("address.toShop")}
          </Link>
        </Empty>
      )}
      <ul className="own-orders">
        {orders.map((order) => (
          <OwnOrder key={order.id} order={order} />
        ))}
      </ul>
      {hasNextPage && (
        <Button
          type="button"
          className="button"
          busy={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          {t("orders.older")}
        </Button>
      )}
    </Shell>
  );
}

function OwnOrder({ order }: { order: Order }) {
  const { t, money, dateTime } = useText();
  const pieces = order.cartItems.reduce((sum, { quantity }) => sum + quantity, 0);
  return (
    <li
      className="card own-order"
      data-testid="own-order"
      data-order-id={order.id}
      data-status={order.status}
    >
      <h2>
        <Link href={`/track/${order.id}`}>{t("track.order", { number: String(order.number) })}</Link>
      </h2>
      <p className="badges" key={`${order.status} ${order.paymentStatus}`}>
        <StatusBadge order={order} />
        <PaymentBadge order={order} />
      </p>
      <p className="muted">
        <time dateTime={order.createdAt}>{dateTime(order.createdAt)}</time> ·{" "}
        <KeyedText>{t("order.items", { count: pieces })}</KeyedText>
      </p>
      <strong>{money(order.total, order.currency)}</strong>
    </li>
  );
}
