import type { Live } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { statsQuery } from "../../api/staff-queries";
import { useText } from "../../i18n/text";
import { currentToken } from "../session/session";

/** Today in figures, moving with the shop; nothing until the first have come. */
export function StatsStrip({ live }: { live: Live }) {
  const { t, money, number } = useText();
  const queries = useQueryClient();
  const { data } = useQuery(statsQuery(currentToken()));
  useEffect(
    () => live.on("stats", (stats) => queries.setQueryData(statsQuery(undefined).queryKey, stats as never)),
    [live, queries],
  );
  if (data === undefined) return null;
  const minutes = (seconds: number | null) =>
    seconds === null ? "–" : t("stats.minutes", { count: Math.round(seconds / 60) });
  const figures = [
    ["stats.orders", number(data.orders)],
    ["stats.revenue", money(data.revenue, data.currency)],
    ["stats.open", number(data.open.count)],
    ["stats.preparation", minutes(data.preparation.median)],
    ["stats.delivery", minutes(data.delivery.median)],
  ] as const;
  return (
    <dl className="stats" aria-label={t("stats.title")} data-testid="stats">
      {figures.map(([key, value]) => (
        <div key={key}>
          <dt>{t(key)}</dt>
          <dd data-testid={key}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
