import { STATUSES, type Order } from "@ordercast/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "wouter";
import { archiveQuery } from "../../api/order-archive";
import { statusLabel } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { PaymentBadge, StatusBadge } from "../../ui/badges";
import { Field, SelectField } from "../../ui/field";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { currentToken, type Session } from "../session/session";
import { OrderLink } from "../../order/open-order";
import { useSearch } from "./use-search";
import "./archive.css";

/** All orders, and the search among them. */
export function Archive({ session }: { session: Session }) {
  const { t } = useText();
  const { typed, wanted, change } = useSearch();
  const found = useInfiniteQuery(archiveQuery(wanted, session.user.id, currentToken));
  const orders = found.data?.pages.flatMap(({ items }) => items) ?? [];
  const { hasNextPage, isFetching, fetchNextPage } = found;
  // Among many with these words the first that are in that state may be far behind.
  const looksOn = orders.length === 0 && hasNextPage && !isFetching;
  useEffect(() => {
    if (looksOn) void fetchNextPage();
  }, [looksOn, fetchNextPage]);
  return (
    <Shell
      title={t("archive.title")}
      lead={t("archive.lead")}
      tools={
        <Link href="/admin" className="button">
          {t("archive.board")}
        </Link>
      }
      wide
    >
      <search className="archive-filters">
        <Field
          type="search"
          label={t("archive.words")}
          name="q"
          autoComplete="off"
          maxLength={200}
          data-testid="archive-words"
          value={typed.words}
          onChange={({ target }) => change({ words: target.value })}
        />
        <SelectField
          label={t("archive.status")}
          name="status"
          data-testid="archive-status"
          value={typed.status}
          onChange={({ target }) => change({ status: STATUSES.find((each) => each === target.value) ?? "" })}
        >
          <option value="">{t("archive.anyStatus")}</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {statusLabel(t, status, "delivery")}
            </option>
          ))}
        </SelectField>
        {(["from", "to"] as const).map((name) => (
          <Field
            key={name}
            type="date"
            label={t(`archive.${name}`)}
            name={name}
            data-testid={`archive-${name}`}
            value={typed[name]}
            onChange={({ target }) => change({ [name]: target.value })}
          />
        ))}
      </search>
      {found.error && <ProblemNote error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Loading cards={4} />}
      {found.isSuccess && orders.length === 0 && !found.hasNextPage && (
        <div role="status" data-testid="archive-empty">
          <Empty title={t("archive.none")}>
            <p className="muted">{t("archive.noneHint")}</p>
          </Empty>
        </div>
      )}
      {orders.length > 0 && <Rows orders={orders} />}
      {found.hasNextPage && (
        <Button
          type="button"
          className="button older"
          data-testid="archive-more"
          busy={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          {t("admin.older")}
        </Button>
      )}
    </Shell>
  );
}

function Rows({ orders }: { orders: Order[] }) {
  const { t, money, dateTime, number } = useText();
  return (
    <div className="card archive">
      <table>
        <thead>
          <tr>
            {(["number", "customer", "items", "state", "placed", "total"] as const).map((name) => (
              <th key={name} scope="col">
                {t(`archive.column.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {orders.map((order) => (
            <tr key={order.id} data-testid="archive-row" data-order-id={order.id}>
              <th scope="row">
                <OrderLink id={order.id}>#{order.number}</OrderLink>
              </th>
              <td>{order.customerInfo.name ?? t("order.unnamed")}</td>
              <td className="archive-items">
                {order.cartItems.map(({ quantity, name }) => `${number(quantity)} × ${name}`).join(", ")}
              </td>
              <td>
                <span className="badges">
                  <StatusBadge order={order} />
                  <PaymentBadge order={order} />
                </span>
              </td>
              <td>{dateTime(order.createdAt)}</td>
              <td className="archive-total">{money(order.total, order.currency)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
