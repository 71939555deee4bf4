import type { Commands } from "@ordercast/client";
import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { Schemas } from "./schemas";

/** The same over HTTP and by a socket. */
export type Snapshot = Commands["watch_conversation"]["data"];
export type Conversation = Snapshot["conversation"];
export type Participant = Conversation["participants"][number];
export type Message = Commands["send_message"]["data"];
export type ListedConversation = Schemas["ListedConversation"];
export type ConversationPage = Schemas["ConversationPage"];
export type MessagePage = Schemas["MessagePage"];

const PATH = "/api/conversations";
const at = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

/** The conversation about an order or a booking: opened now, or the one that there is. */
export const openAbout = (id: string, token: string | undefined) =>
  post<Conversation>(PATH, id.startsWith("bkg_") ? { bookingId: id } : { orderId: id }, { token });

/** The messages before a position, oldest first. */
export const fetchMessagesBefore = (id: string, before: number, token: string | undefined) =>
  get<MessagePage>(`${at(id)}/messages?before=${before}`, { token });

/** One's conversations, by their last message. */
export const conversationsQuery = (userId: string, token: () => string | undefined) =>
  queryOptions({
    queryKey: ["conversations", userId],
    queryFn: ({ signal }) => get<ConversationPage>(`${PATH}?limit=50`, { token: token(), signal }),
  });
