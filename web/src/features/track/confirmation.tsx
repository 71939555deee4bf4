import type { Order } from "@ordercast/client";
import { useState } from "react";
import { useHistoryState } from "wouter/use-browser-location";
import { useText } from "../../i18n/text";
import { Check } from "../../ui/icons";

/** Thanks to whoever comes straight from the checkout, with the link to come back by. */
export function Confirmation({ order, token }: { order: Order; token: string }) {
  const { t, money } = useText();
  const state = useHistoryState<{ placed?: boolean } | null>();
  if (state?.placed !== true) return null;
  const guest = token.startsWith("trk_");
  return (
    <div className="confirmation" role="status" data-testid="order-confirmation" data-order-id={order.id}>
      <span className="confirmation-mark">
        <Check />
      </span>
      <div>
        <p>
          <strong>{t("confirmation.title", { number: String(order.number) })}</strong>
        </p>
        <p>{t("confirmation.total", { total: money(order.total, order.currency) })}</p>
        {guest && <KeepLink />}
      </div>
    </div>
  );
}

/** A guest has no account to find the order by: this address is the only way back. */
function KeepLink() {
  const { t } = useText();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(location.href);
    setCopied(true);
  };
  return (
    <p className="keep-link">
      <a href={location.href}>{t("confirmation.link")}</a>
      {/* The clipboard is missing where the page came over plain http from another machine. */}
      {"clipboard" in navigator && (
        <button type="button" className="button button--small" onClick={() => void copy()}>
          {copied ? t("confirmation.copied") : t("confirmation.copy")}
        </button>
      )}
    </p>
  );
}
