import { covers, type Events, type Live, parsePosition } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import {
  type ConversationPage,
  conversationsQuery,
  type ListedConversation,
  type Message,
} from "../../api/conversations";
import { Receipts } from "./receipts";

/** The list, kept true by what is heard: its newest messages and what of them is unread. */
export function useConversations(
  live: Live,
  userId: string,
  token: () => string | undefined,
  openId: string | undefined,
) {
  const queries = useQueryClient();
  const query = conversationsQuery(userId, token);
  const list = useQuery(query);
  const { queryKey } = query;
  const key = JSON.stringify(queryKey);

  useEffect(() => {
    const refetch = () => void queries.invalidateQueries({ queryKey });
    const change = (id: string, how: (each: ListedConversation) => ListedConversation) => {
      const page = queries.getQueryData(queryKey);
      if (page === undefined) return;
      // One that has begun since, or that is too old to be listed.
      if (!page.items.some((each) => each.id === id)) refetch();
      else queries.setQueryData(queryKey, changed(page, id, how));
    };
    const stops = [
      live.on("message", (message) => change(message.conversationId, (each) => withMessage(each, message))),
      live.on("message_update", (message) =>
        change(message.conversationId, (each) =>
          each.lastMessage?.position === message.position ? { ...each, lastMessage: message } : each,
        ),
      ),
      live.on("seen", (told) => change(told.conversationId, (each) => withReceipt(each, told))),
      live.on("ready", ({ position }) => {
        const page = queries.getQueryData(queryKey);
        if (!covers(parsePosition(page?.position), parsePosition(position))) refetch();
      }),
      live.onGap(refetch),
    ];
    return () => stops.forEach((stop) => stop());
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key is another array each time, with the same in it
  }, [live, queries, key]);

  useDelivered(live, list.data, openId);
  return list;
}

/** What is listed here has come to a screen; what is open says so itself. */
function useDelivered(live: Live, page: ConversationPage | undefined, openId: string | undefined): void {
  const receipts = useMemo(() => new Receipts(live, "mark_delivered"), [live]);
  useEffect(() => {
    for (const { id, unread, lastPosition } of page?.items ?? [])
      if (unread > 0 && id !== openId) receipts.reach(id, lastPosition);
  }, [receipts, page, openId]);
  useEffect(() => {
    const stop = live.on("ready", () => receipts.again());
    return () => {
      stop();
      receipts.stop();
    };
  }, [live, receipts]);
}

function changed(
  page: ConversationPage,
  id: string,
  how: (each: ListedConversation) => ListedConversation,
): ConversationPage {
  const items = page.items.map((each) => (each.id === id ? how(each) : each));
  return { ...page, items: items.toSorted((a, b) => b.lastAt.localeCompare(a.lastAt)) };
}

function withMessage(each: ListedConversation, message: Message): ListedConversation {
  if (message.position <= each.lastPosition) return each;
  return {
    ...each,
    lastMessage: message,
    lastPosition: message.position,
    lastAt: message.createdAt,
    unread: each.unread + (message.sender.participant === each.you ? 0 : 1),
  };
}

function withReceipt(each: ListedConversation, { participant, unread }: Events["seen"]): ListedConversation {
  return participant === each.you ? { ...each, unread } : each;
}
