import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { bookingQuery } from "../../api/bookings";
import type { Conversation, Participant } from "../../api/conversations";
import { orderQuery } from "../../api/orders";
import { serviceName } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { nameOf } from "./names";

interface ThreadHeadProps {
  conversation: Conversation;
  token: () => string | undefined;
  trackingToken: string | undefined;
  hasList: boolean;
}

/** With whom, whether they are there, and about what. */
export function ThreadHead({ conversation, token, trackingToken, hasList }: ThreadHeadProps) {
  const { t } = useText();
  const others = conversation.participants.filter(({ participant }) => participant !== conversation.you);
  return (
    <header className="chat-head">
      {hasList && (
        <Link href="/chat" className="chat-back">
          {t("chat.back")}
        </Link>
      )}
      <ul aria-label={t("chat.participants")}>
        {others.map((each) => (
          <Presence key={each.participant} participant={each} />
        ))}
      </ul>
      {conversation.orderId !== null && (
        <OrderLink id={conversation.orderId} token={token()} trackingToken={trackingToken} />
      )}
      {conversation.bookingId !== null && (
        <BookingLink
          id={conversation.bookingId}
          isTheirs={conversation.you === "customer"}
          token={token}
          trackingToken={trackingToken}
        />
      )}
    </header>
  );
}

function Presence({ participant }: { participant: Participant }) {
  const { t } = useText();
  const present = participant.present ?? false;
  return (
    <li
      className="chat-participant"
      data-testid="participant"
      data-participant={participant.participant}
      data-present={present}
    >
      <span className="chat-dot" aria-hidden="true" />
      <span>{nameOf(participant, t)}</span>
      <span className="muted">{t(present ? "chat.here" : "chat.away")}</span>
    </li>
  );
}

interface BookingLinkProps {
  id: string;
  isTheirs: boolean;
  token: () => string | undefined;
  trackingToken: string | undefined;
}

/** To the booking: for who booked it its own page, for who works the calendar. */
function BookingLink({ id, isTheirs, token, trackingToken }: BookingLinkProps) {
  const { t, locale } = useText();
  const { data } = useQuery(bookingQuery(id, token));
  const query = trackingToken === undefined ? "" : `?token=${encodeURIComponent(trackingToken)}`;
  return (
    <Link href={isTheirs ? `/book/${id}${query}` : `/bookings/${id}`} data-testid="chat-booking">
      {data
        ? t("bookings.one", { number: String(data.number), service: serviceName(data, locale) })
        : t("bookings.title")}
    </Link>
  );
}

interface OrderLinkProps {
  id: string;
  token: string | undefined;
  trackingToken: string | undefined;
}

function OrderLink({ id, token, trackingToken }: OrderLinkProps) {
  const { t } = useText();
  const order = useQuery(orderQuery(id, token));
  const query = trackingToken === undefined ? "" : `?token=${encodeURIComponent(trackingToken)}`;
  return (
    <Link href={`/track/${id}${query}`}>
      {order.data ? t("track.order", { number: String(order.data.number) }) : t("track.title")}
    </Link>
  );
}
