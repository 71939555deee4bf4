import type { Events } from "@ordercast/client";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Conversation, Message, Participant, Snapshot } from "../../api/conversations";

export interface ThreadState {
  readonly conversation: Conversation | undefined;
  /** One after the other by their positions, without a gap. */
  readonly messages: readonly Message[];
  /** Which participants are typing now. */
  readonly typing: ReadonlySet<string>;
}

/**
 * One conversation on the screen, put together from snapshots, pages and events in whatever order these come.
 *
 * A message's version decides which of two is shown, and a receipt never goes back. What does not join what is shown
 * without a gap is left out, and fetched when it is asked for.
 */
export class Thread {
  readonly store: StoreApi<ThreadState> = createStore<ThreadState>(() => ({
    conversation: undefined,
    messages: [],
    typing: new Set(),
  }));

  constructor(readonly id: string) {}

  /** Begins anew from what the server answered; what was heard already and is newer stays. */
  open({ conversation, messages }: Snapshot): void {
    const known = this.store.getState().conversation?.participants ?? [];
    const participants = conversation.participants.map((each) =>
      further(
        each,
        known.find(({ participant }) => participant === each.participant),
      ),
    );
    this.store.setState({ conversation: { ...conversation, participants } });
    this.put(messages);
  }

  /** Messages that were heard, edited, sent or fetched. */
  put(incoming: readonly Message[]): void {
    const held = new Map(this.store.getState().messages.map((each) => [each.position, each]));
    for (const each of incoming) {
      const shown = held.get(each.position);
      if (shown === undefined || each.version > shown.version) held.set(each.position, each);
    }
    this.store.setState({ messages: newestRun([...held.values()]) });
  }

  /** Says of a receipt or a presence whether its participants are those that are known. */
  heardSeen({ participant, delivered, seen, unread }: Events["seen"]): boolean {
    return this.#change(participant, (each) => ({
      ...further(each, { delivered, seen }),
      unread: seen >= each.seen ? unread : each.unread,
    }));
  }

  heardPresent({ participants }: Events["participants"]): boolean {
    const { conversation } = this.store.getState();
    // Too many to be named: who of them is there is not known, and was answered by the snapshot.
    if (conversation === undefined || participants === null) return true;
    const present = new Set(participants.map(({ participant }) => participant));
    const all = conversation.participants.map((each) => ({
      ...each,
      present: present.delete(each.participant),
    }));
    this.store.setState({ conversation: { ...conversation, participants: all } });
    return present.size === 0;
  }

  setTyping(participant: string, typing: boolean): void {
    const now = new Set(this.store.getState().typing);
    if (typing ? now.has(participant) : !now.has(participant)) return;
    if (typing) now.add(participant);
    else now.delete(participant);
    this.store.setState({ typing: now });
  }

  #change(participant: string, how: (each: Participant) => Participant): boolean {
    const { conversation } = this.store.getState();
    if (conversation === undefined) return true;
    const isKnown = conversation.participants.some((each) => each.participant === participant);
    const participants = conversation.participants.map((each) =>
      each.participant === participant ? how(each) : each,
    );
    this.store.setState({ conversation: { ...conversation, participants } });
    return isKnown;
  }
}

/** The newest messages, back to the first gap. */
function newestRun(messages: Message[]): Message[] {
  messages.sort((a, b) => a.position - b.position);
  let start = messages.length - 1;
  while (start > 0 && messages[start - 1]?.position === (messages[start]?.position ?? 0) - 1) start -= 1;
  return messages.slice(Math.max(start, 0));
}

function further<T extends Pick<Participant, "delivered" | "seen">>(
  each: T,
  known: Pick<Participant, "delivered" | "seen"> | undefined,
): T {
  if (known === undefined) return each;
  return {
    ...each,
    delivered: Math.max(each.delivered, known.delivered),
    seen: Math.max(each.seen, known.seen),
  };
}
