import { Link } from "wouter";
import { useText } from "../i18n/text";

interface ChatLinkProps {
  orderId: string;
  /** Of whoever has no account and comes by their order's link. */
  trackingToken?: string | undefined;
  className?: string;
}

/** To the conversation about an order. */
export function ChatLink({ orderId, trackingToken, className }: ChatLinkProps) {
  const { t } = useText();
  const query = trackingToken === undefined ? "" : `?token=${encodeURIComponent(trackingToken)}`;
  return (
    <Link href={`/chat/${orderId}${query}`} className={className} data-testid="chat-open">
      {t("chat.open")}
    </Link>
  );
}
