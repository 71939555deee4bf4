import { useMutation } from "@tanstack/react-query";
import { type RefObject, useLayoutEffect, useRef } from "react";
import { useStore } from "zustand";
import { fetchMessagesBefore } from "../../api/conversations";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { ProblemNote } from "../../ui/notes";
import { MessageItem, WaitingItem } from "./message-item";
import { useOutbox } from "./outbox";
import type { Thread } from "./thread";

interface MessagesProps {
  thread: Thread;
  writer: string;
  token: () => string | undefined;
}

/** So near to its end somebody reads what is new, and is shown what comes. */
const NEAR_PX = 80;

/** What was written, oldest first, and behind it what waits to be sent. */
export function Messages({ thread, writer, token }: MessagesProps) {
  const { t } = useText();
  const { conversation, messages } = useStore(thread.store);
  const waiting = useWaiting(thread, writer);
  const first = messages[0]?.position ?? 1;
  const older = useMutation({
    mutationFn: () => fetchMessagesBefore(thread.id, first, token()),
    onSuccess: ({ items }) => thread.put(items),
  });
  const log = useStickToEnd(`${messages.at(-1)?.position ?? 0} ${waiting.length}`, first);
  return (
    // A region that scrolls is reached by the keyboard, too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={log} className="chat-log" role="log" aria-label={t("chat.messages")} tabIndex={0}>
      {first > 1 && (
        <Button
          type="button"
          className="button button--small chat-older"
          busy={older.isPending}
          onClick={() => older.mutate()}
        >
          {t("chat.older")}
        </Button>
      )}
      {older.error && <ProblemNote error={older.error} />}
      {conversation !== undefined && messages.length + waiting.length === 0 && (
        <p className="muted chat-empty">{t("chat.noMessages")}</p>
      )}
      <ol>
        {conversation !== undefined &&
          messages.map((each) => (
            <MessageItem key={each.position} message={each} conversation={conversation} />
          ))}
        {waiting.map((each) => (
          <WaitingItem key={each.clientId} waiting={each} />
        ))}
      </ol>
    </div>
  );
}

/** What waits here and is not among the messages yet: the server's answer may be the later one of the two. */
function useWaiting(thread: Thread, writer: string) {
  const { conversation, messages } = useStore(thread.store);
  const all = useOutbox((state) => state.waiting);
  const mine = messages.filter(({ sender }) => sender.participant === conversation?.you);
  const written = new Set(mine.map(({ clientId }) => clientId));
  return all.filter(
    (each) => each.conversationId === thread.id && each.writer === writer && !written.has(each.clientId),
  );
}

/** Keeps the end in view for whoever is there, and what they read where it is for whoever is not. */
function useStickToEnd(end: string, first: number): RefObject<HTMLDivElement | null> {
  const log = useRef<HTMLDivElement>(null);
  const before = useRef({ end: "", height: 0, first });
  useLayoutEffect(() => {
    const element = log.current;
    if (element === null) return;
    const was = before.current;
    const grown = element.scrollHeight - was.height;
    const distance = was.height - element.scrollTop - element.clientHeight;
    if (was.end === "" || (was.end !== end && distance < NEAR_PX)) element.scrollTop = element.scrollHeight;
    else if (first < was.first) element.scrollTop += grown;
    before.current = { end, height: element.scrollHeight, first };
  }, [end, first]);
  return log;
}
