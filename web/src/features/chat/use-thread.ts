import type { Events, Live, LiveSnapshot } from "@ordercast/client";
import { useEffect, useMemo, useState } from "react";
import { Receipts } from "./receipts";
import { Thread } from "./thread";
import { useVisible } from "./use-visible";

/** One conversation, open for as long as the component is shown, and read for as long as somebody can see it. */
export function useThread(live: Live, snapshot: LiveSnapshot, conversationId: string) {
  const thread = useMemo(() => new Thread(conversationId), [conversationId]);
  const [error, setError] = useState<Error>();
  const { socketId } = snapshot;

  useEffect(() => {
    const watch = () => {
      if (live.getSnapshot().state !== "connected") return;
      live.command("watch_conversation", { conversationId }).then(
        (found) => {
          thread.open(found);
          setError(undefined);
        },
        // A connection that is lost on the way comes back, and then it is asked anew.
        (refusal: unknown) => {
          if (live.getSnapshot().socketId === socketId) setError(refusal as Error);
        },
      );
    };
    watch();
    return follow(live, thread, watch);
  }, [live, thread, conversationId, socketId]);

  // Leaving is seen by the others at once, and not when the page is closed.
  useEffect(
    () => () => {
      if (live.getSnapshot().state !== "connected") return;
      live.command("unwatch_conversation", { conversationId }).catch(() => undefined);
    },
    [live, conversationId],
  );

  useReading(live, thread, socketId);
  return { thread, error };
}

/** Lets a thread hear of itself. Returns how to stop. */
function follow(live: Live, thread: Thread, reload: () => void): () => void {
  const typing = new Map<string, ReturnType<typeof setTimeout>>();
  const heardTyping = (told: Events["typing"]) => {
    const { participant } = told;
    clearTimeout(typing.get(participant));
    thread.setTyping(participant, told.typing);
    // Whoever's last word got lost does not type for ever.
    if (told.typing)
      typing.set(
        participant,
        setTimeout(() => thread.setTyping(participant, false), told.expiresInSeconds * 1000),
      );
  };
  const ours =
    <T extends { conversationId: string }>(handler: (told: T) => void) =>
    (told: T) => {
      if (told.conversationId === thread.id) handler(told);
    };
  const known = (isKnown: boolean) => {
    // Somebody has come into it who was not there.
    if (!isKnown) reload();
  };
  const stops = [
    live.on(
      "message",
      ours((message) => {
        thread.put([message]);
        // Who has written has stopped typing.
        thread.setTyping(message.sender.participant, false);
      }),
    ),
    live.on(
      "message_update",
      ours((message) => thread.put([message])),
    ),
    live.on(
      "seen",
      ours((told) => known(thread.heardSeen(told))),
    ),
    live.on(
      "participants",
      ours((told) => known(thread.heardPresent(told))),
    ),
    live.on("typing", ours(heardTyping)),
    // A new connection begins with a watch anyway.
    live.onGap((reason) => {
      if (reason !== "reconnected") reload();
    }),
  ];
  return () => {
    stops.forEach((stop) => stop());
    typing.forEach((timer) => clearTimeout(timer));
    typing.forEach((_, participant) => thread.setTyping(participant, false));
  };
}

/** Marks what is on the screen as read, or, while nobody sees it, as delivered. */
function useReading(live: Live, thread: Thread, socketId: string | undefined): void {
  const visible = useVisible();
  const receipts = useMemo(
    () => ({ seen: new Receipts(live, "mark_seen"), delivered: new Receipts(live, "mark_delivered") }),
    [live],
  );
  useEffect(() => {
    const reach = () => {
      const { conversation, messages } = thread.store.getState();
      const position = messages.at(-1)?.position;
      const you = conversation?.participants.find(({ participant }) => participant === conversation.you);
      if (position === undefined || you === undefined) return;
      if (visible && position > you.seen) receipts.seen.reach(thread.id, position);
      else if (position > you.delivered) receipts.delivered.reach(thread.id, position);
    };
    reach();
    const stop = thread.store.subscribe(reach);
    return () => {
      stop();
      receipts.seen.stop();
      receipts.delivered.stop();
    };
  }, [thread, receipts, visible, socketId]);
}
