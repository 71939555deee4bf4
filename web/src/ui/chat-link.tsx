import { Link } from "wouter";
import { useText } from "../i18n/text";

interface ChatLinkProps {
  /** The order or booking. */
  about: string;
  /** Of whoever has no account and comes by its link. */
  trackingToken?: string | undefined;
  className?: string;
}

/** To the conversation about an order or a booking. */
export function ChatLink({ about, trackingToken, className }: ChatLinkProps) {
  const { t } = useText();
  const query = trackingToken === undefined ? "" : `?token=${encodeURIComponent(trackingToken)}`;
  return (
    <Link href={`/chat/${about}${query}`} className={className} data-testid="chat-open">
      {t("chat.open")}
    </Link>
  );
}
