import { memo } from "react";
import type { Conversation, Message } from "../../api/conversations";
import type { MessageKey } from "../../i18n/en";
import { useText } from "../../i18n/text";
import { Attachments } from "./attachments";
import { nameOf } from "./names";
import { useOutbox, type Waiting } from "./outbox";

type Reached = "sent" | "delivered" | "seen";

interface MessageItemProps {
  message: Message;
  conversation: Conversation;
}

export const MessageItem = memo(function MessageItem({ message, conversation }: MessageItemProps) {
  const { t, time, dateTime } = useText();
  const { sender, text, position, createdAt, editedAt, deletedAt } = message;
  const mine = sender.participant === conversation.you;
  const who = conversation.participants.find(({ participant }) => participant === sender.participant);
  const reached = reachedBy(message, conversation);
  return (
    <li
      className="chat-message"
      data-mine={mine}
      data-testid="message"
      data-position={position}
      data-state={mine ? reached : undefined}
    >
      <span className="chat-sender">{mine ? t("chat.you") : nameOf(who ?? sender, t)}</span>
      <p
        className={deletedAt === null ? "chat-text" : "chat-text muted"}
        data-testid="message-text"
        dir="auto"
      >
        {deletedAt === null ? text : t("chat.deleted")}
      </p>
      <Attachments attachments={message.attachments} />
      <span className="chat-meta">
        <time dateTime={createdAt} title={dateTime(createdAt)}>
          {time(createdAt)}
        </time>
        {editedAt !== null && deletedAt === null && <span>{t("chat.edited")}</span>}
        {mine && <span>{t(`chat.${reached}` satisfies MessageKey)}</span>}
      </span>
    </li>
  );
});

/** How far it has come with any of the others. */
function reachedBy({ position }: Message, { participants, you }: Conversation): Reached {
  const others = participants.filter(({ participant }) => participant !== you);
  if (others.some(({ seen }) => seen >= position)) return "seen";
  return others.some(({ delivered }) => delivered >= position) ? "delivered" : "sent";
}

/** A message that the server does not have yet, or does not take. */
export function WaitingItem({ waiting }: { waiting: Waiting }) {
  const { t } = useText();
  const remove = useOutbox((state) => state.remove);
  const { clientId, text, refusal } = waiting;
  return (
    <li
      className="chat-message"
      data-mine
      data-testid="message"
      data-state={refusal === undefined ? "waiting" : "refused"}
    >
      <span className="chat-sender">{t("chat.you")}</span>
      <p className="chat-text" data-testid="message-text" dir="auto">
        {text}
      </p>
      <span className="chat-meta">
        {refusal === undefined ? (
          <span>{t("chat.waiting")}</span>
        ) : (
          <>
            <span className="chat-refusal">{t("chat.refused", { reason: refusal })}</span>
            <button type="button" className="button button--small" onClick={() => remove(clientId)}>
              {t("chat.remove")}
            </button>
          </>
        )}
      </span>
    </li>
  );
}
