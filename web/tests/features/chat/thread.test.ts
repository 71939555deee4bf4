import { expect, it } from "vitest";
import type { Message, Participant } from "../../../src/api/conversations";
import { Thread } from "../../../src/features/chat/thread";

const CONVERSATION = "cnv_1";

const aMessage = (position: number, values: Partial<Message> = {}): Message => ({
  id: `msg_${position}`,
  conversationId: CONVERSATION,
  position,
  clientId: null,
  sender: { participant: "customer", role: "customer" },
  text: `message ${position}`,
  attachments: [],
  version: 1,
  createdAt: "2026-01-05T10:00:00.000Z",
  editedAt: null,
  deletedAt: null,
  ...values,
});

const aParticipant = (participant: string, values: Partial<Participant> = {}): Participant => ({
  participant,
  role: participant,
  id: null,
  name: null,
  delivered: 0,
  seen: 0,
  unread: 0,
  present: false,
  ...values,
});

const aSnapshot = (
  messages: Message[],
  participants = [aParticipant("store"), aParticipant("customer")],
) => ({
  conversation: {
    id: CONVERSATION,
    about: "order" as const,
    orderId: "ord_1",
    bookingId: null,
    customerId: null,
    you: "store",
    participants,
    lastPosition: messages.at(-1)?.position ?? 0,
    lastAt: "2026-01-05T10:00:00.000Z",
    unread: 0,
    createdAt: "2026-01-05T10:00:00.000Z",
  },
  messages,
  nextBefore: null,
  position: "a:1",
});

const positions = (thread: Thread) => thread.store.getState().messages.map(({ position }) => position);
const participant = (thread: Thread, name: string) =>
  thread.store.getState().conversation?.participants.find((each) => each.participant === name);

it("joins what is heard to the snapshot in either order, each message once", () => {
  const [before, after] = [new Thread(CONVERSATION), new Thread(CONVERSATION)];
  before.put([aMessage(3)]);
  before.open(aSnapshot([aMessage(1), aMessage(2), aMessage(3)]));
  after.open(aSnapshot([aMessage(1), aMessage(2)]));
  after.put([aMessage(2)]);
  after.put([aMessage(3)]);
  expect(positions(before)).toEqual([1, 2, 3]);
  expect(positions(after)).toEqual([1, 2, 3]);
});

it("shows no messages with others missing in between", () => {
  const thread = new Thread(CONVERSATION);
  thread.open(aSnapshot([aMessage(1), aMessage(2)]));
  thread.open(aSnapshot([aMessage(60), aMessage(61)]));
  expect(positions(thread)).toEqual([60, 61]);
  thread.put([aMessage(58), aMessage(59)]);
  expect(positions(thread)).toEqual([58, 59, 60, 61]);
});

it("keeps the newer version of a message, whichever comes first", () => {
  const thread = new Thread(CONVERSATION);
  thread.open(aSnapshot([aMessage(1, { version: 2, text: "edited" })]));
  thread.put([aMessage(1)]);
  expect(thread.store.getState().messages[0]?.text).toBe("edited");
});

it("never takes a receipt back", () => {
  const thread = new Thread(CONVERSATION);
  const told = { conversationId: CONVERSATION, participant: "customer", role: "customer", unread: 0 };
  const event = { id: "evt_1", seq: 1, version: 1, at: "2026-01-05T10:00:00.000Z" };
  thread.open(aSnapshot([aMessage(1), aMessage(2)]));
  expect(thread.heardSeen({ ...event, ...told, delivered: 2, seen: 2 })).toBe(true);
  thread.heardSeen({ ...event, ...told, delivered: 2, seen: 1 });
  thread.open(aSnapshot([aMessage(1), aMessage(2)], [aParticipant("customer", { delivered: 1, seen: 1 })]));
  expect(participant(thread, "customer")).toMatchObject({ delivered: 2, seen: 2 });
});

it("says when somebody is there whom it does not know", () => {
  const thread = new Thread(CONVERSATION);
  thread.open(aSnapshot([]));
  const present = (...names: string[]) => ({
    conversationId: CONVERSATION,
    count: names.length,
    joined: [],
    left: [],
    participants: names.map((name) => ({ participant: name, role: name, people: 1 })),
  });
  expect(thread.heardPresent(present("store", "customer"))).toBe(true);
  expect(participant(thread, "customer")?.present).toBe(true);
  expect(thread.heardPresent(present("store", "driver:drv_1"))).toBe(false);
  expect(participant(thread, "customer")?.present).toBe(false);
});
