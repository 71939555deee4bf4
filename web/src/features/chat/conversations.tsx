import type { Live } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { ListedConversation } from "../../api/conversations";
import { fetchOrders } from "../../api/orders";
import { useText } from "../../i18n/text";
import { Age } from "../../ui/age";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { useConversations } from "./use-conversations";

interface ConversationsProps {
  live: Live;
  userId: string;
  token: () => string | undefined;
  openId: string | undefined;
}

const ORDERS_KNOWN = 50;

/** One's conversations, the one with the newest message first. */
export function Conversations({ live, userId, token, openId }: ConversationsProps) {
  const { t } = useText();
  const { data, error, isPending, refetch } = useConversations(live, userId, token, openId);
  // Conversations name their orders by id; people know them by number.
  const orders = useQuery({
    queryKey: ["order numbers", userId],
    queryFn: () => fetchOrders(token(), null, { limit: ORDERS_KNOWN }),
    retry: false,
  });
  const numbers = new Map(orders.data?.items.map(({ id, number }) => [id, number]));
  return (
    <nav className="card chat-list" aria-label={t("chat.list")}>
      {error && <ProblemNote error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading cards={1} />}
      {data?.items.length === 0 && <Empty title={t("chat.none")} />}
      <ul>
        {data?.items.map((each) => (
          <li key={each.id}>
            <Item
              conversation={each}
              number={each.orderId === null ? undefined : numbers.get(each.orderId)}
              isOpen={each.id === openId}
            />
          </li>
        ))}
      </ul>
    </nav>
  );
}

interface ItemProps {
  conversation: ListedConversation;
  number: number | undefined;
  isOpen: boolean;
}

function Item({ conversation, number, isOpen }: ItemProps) {
  const { t, number: digits } = useText();
  const { id, you, customerName, lastMessage, unread, lastAt } = conversation;
  const who = you === "store" ? (customerName ?? t("chat.customer")) : t("chat.shop");
  return (
    <Link
      href={`/chat/${id}`}
      className="chat-item"
      aria-current={isOpen ? "page" : undefined}
      data-testid="conversation"
      data-conversation-id={id}
    >
      <span className="chat-item-head">
        <strong>{who}</strong>
        <Age at={lastAt} />
      </span>
      {number !== undefined && <span className="muted">{t("track.order", { number: String(number) })}</span>}
      <span className="chat-item-foot">
        <span className="chat-item-text">
          {lastMessage?.deletedAt ? t("chat.deleted") : (lastMessage?.text ?? t("chat.noMessages"))}
        </span>
        {unread > 0 && (
          <span className="chat-unread" data-testid="unread">
            <span aria-hidden="true">{digits(unread)}</span>
            <span className="visually-hidden">{t("chat.unread", { count: unread })}</span>
          </span>
        )}
      </span>
    </Link>
  );
}
