import { useEffect } from "react";
import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import { Loading, ProblemNote } from "../../ui/notes";
import type { ChatProps } from "./chat";
import { Composer } from "./composer";
import { Messages } from "./messages";
import { nameOf } from "./names";
import type { Sender } from "./sender";
import { ThreadHead } from "./thread-head";
import { useThread } from "./use-thread";

interface ThreadViewProps extends ChatProps {
  id: string;
  sender: Sender;
}

/** One conversation: who is there, what was written, and where to write. */
export function ThreadView({
  id,
  live,
  snapshot,
  writer,
  sender,
  token,
  userId,
  trackingToken,
}: ThreadViewProps) {
  const { t } = useText();
  const { thread, error } = useThread(live, snapshot, id);
  const { conversation, typing } = useStore(thread.store);
  useEffect(
    () =>
      sender.onSent((message) => {
        if (message.conversationId === id) thread.put([message]);
      }),
    [sender, thread, id],
  );
  const typists = (conversation?.participants ?? []).filter(({ participant }) => typing.has(participant));
  return (
    <section className="card chat-thread" aria-label={t("chat.thread")} data-testid="thread">
      {conversation && (
        <ThreadHead
          conversation={conversation}
          token={token}
          trackingToken={trackingToken}
          hasList={userId !== undefined}
        />
      )}
      {error && <ProblemNote error={error} />}
      {conversation === undefined && error === undefined && <Loading cards={1} />}
      <Messages thread={thread} writer={writer} token={token} />
      <p className="chat-typing muted" role="status" data-testid="typing">
        {typists.map((each) => t("chat.typing", { name: nameOf(each, t) })).join(" ")}
      </p>
      <Composer live={live} conversationId={id} writer={writer} />
    </section>
  );
}
