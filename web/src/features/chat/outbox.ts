import { create } from "zustand";
import { persist } from "zustand/middleware";
import { randomKey } from "../../api/idempotency-key";
import { inSessionStorage } from "../../stores/session-storage";

/** A message that was written here and that the server has not answered. */
export interface Waiting {
  /** Under which the server writes it once, however often it is sent. */
  readonly clientId: string;
  readonly conversationId: string;
  /** Who wrote it: nobody else who signs in at this tab sends it. */
  readonly writer: string;
  readonly text: string;
  /** Why the server will never take it as it is. */
  readonly refusal?: string;
}

/** Whoever is offline for so long has more to say than a tab should keep. */
export const WAITING_MAX = 100;

interface OutboxState {
  waiting: readonly Waiting[];
  /** Keeps a message to be sent; gives whether there was room. */
  add: (message: Pick<Waiting, "conversationId" | "writer" | "text">) => boolean;
  remove: (clientId: string) => void;
  refuse: (clientId: string, refusal: string) => void;
}

/** What waits to be sent, in the order in which it was written; as long as the tab, over a reload. */
export const useOutbox = create<OutboxState>()(
  persist(
    (set, get) => ({
      waiting: [],
      add: (message) => {
        const { waiting } = get();
        if (waiting.length >= WAITING_MAX) return false;
        set({ waiting: [...waiting, { ...message, clientId: randomKey() }] });
        return true;
      },
      remove: (clientId) =>
        set(({ waiting }) => ({ waiting: waiting.filter((each) => each.clientId !== clientId) })),
      refuse: (clientId, refusal) =>
        set(({ waiting }) => ({
          waiting: waiting.map((each) => (each.clientId === clientId ? { ...each, refusal } : each)),
        })),
    }),
    { name: "ordercast.outbox", storage: inSessionStorage },
  ),
);
