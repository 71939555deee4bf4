"use client";
// A booking with its chat, live: a fetch for what is, and the stock socket.io-client for what comes.
import { useEffect, useReducer, useRef, useState } from "react";
import { io } from "socket.io-client";

const NOTHING = { booking: null, others: [], conversation: null, participants: [], messages: [], typing: {} };

/** What is shown after one more thing was heard. A version or a position decides, never the order of arrival. */
function reduce(state, [name, told]) {
  const mine = told?.conversationId !== undefined && told.conversationId === state.conversation?.id;
  switch (name) {
    case "loaded": { // what was heard while it was on its way stays
      const last = told.messages.at(-1)?.position ?? 0;
      const messages = merged(told.messages, state.messages.filter(({ position }) => position > last));
      const booking = state.booking?.version > told.booking.version ? state.booking : told.booking;
      return { ...state, ...told, booking, messages, problem: undefined };
    }
    case "watched":
      return { ...state, participants: told.conversation.participants, messages: merged(state.messages, told.messages) };
    case "new_booking": // one of the shop's, or one that a back end sent by /emit-booking, with what it has
      if (told.bookingId === state.booking?.id) return state;
      return { ...state, others: [told, ...state.others.filter(({ bookingId }) => bookingId !== told.bookingId)] };
    case "booking_update":
      if (told.bookingId !== state.booking?.id || !(told.version > state.booking.version)) return state;
      return { ...state, booking: told.booking };
    case "message":
    case "message_update":
      if (!mine) return state;
      return { ...state, messages: merged(state.messages, [told]), typing: { ...state.typing, [told.sender.participant]: 0 } };
    case "participants": { // the whole of who is there; null where they are too many to be named
      if (!mine || told.participants === null) return state;
      const present = new Set(told.participants.map(({ participant }) => participant));
      const all = state.participants.map((each) => ({ ...each, present: present.has(each.participant) }));
      return { ...state, participants: all };
    }
    case "seen": {
      if (!mine) return state;
      const further = (each) => ({ ...each, seen: Math.max(each.seen, told.seen) });
      const all = state.participants.map((each) => (each.participant === told.participant ? further(each) : each));
      return { ...state, participants: all };
    }
    case "typing": // good for some seconds, unless it is said again
      if (!mine) return state;
      return { ...state, typing: { ...state.typing, [told.participant]: told.typing && told.until } };
    case "tick":
      return { ...state, typing: Object.fromEntries(Object.entries(state.typing).filter(([, until]) => until > told)) };
    default:
      return name in { connected: 1, problem: 1 } ? { ...state, [name]: told } : state;
  }
}

/** Messages by their position in the conversation, each once, in its newest version. */
function merged(known, more) {
  const byPosition = new Map(known.map((each) => [each.position, each]));
  for (const each of more)
    if (!(byPosition.get(each.position)?.version >= each.version)) byPosition.set(each.position, each);
  return [...byPosition.values()].sort((a, b) => a.position - b.position);
}

function useBooking(bookingId, token, url) {
  const [state, dispatch] = useReducer(reduce, NOTHING);
  const socketRef = useRef(null);
  useEffect(() => {
    let offset; // up to where this page has heard
    const ending = new AbortController();
    const headers = { authorization: `Bearer ${token}` };
    const load = async () => {
      const path = `/api/chat/user/booking?bookingId=${encodeURIComponent(bookingId)}`;
      const answer = await fetch(path, { headers, signal: ending.signal });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.detail ?? found.title);
      offset = found.position;
      dispatch(["loaded", found]);
      return found.conversation?.id;
    };
    const failed = (error) => ending.signal.aborted || dispatch(["problem", error.message]);

    const listen = (conversationId) => {
      // No gap and no double: what was committed behind the answer is told, and what is in it is not.
      const socket = io(url, { auth: (show) => show({ token, offset }) });
      socketRef.current = socket;
      socket.onAny((name, told, ...rest) => {
        if (typeof rest.at(-1) === "string") offset = rest.at(-1); // every event that lasts ends with its offset
        dispatch([name, name === "typing" ? { ...told, until: Date.now() + told.expiresInSeconds * 1000 } : told]);
      });
      socket.on("resync", () => load().catch(failed)); // the rare gap that is too long to be told
      socket.on("connect", async () => {
        dispatch(["connected", true]);
        // Having it open is being present in it; said anew at each connection.
        if (conversationId === undefined) return;
        const answer = await socket.emitWithAck("watch_conversation", { conversationId }).catch(() => null);
        if (answer?.data) dispatch(["watched", answer.data]);
      });
      socket.on("disconnect", () => dispatch(["connected", false]));
      socket.on("connect_error", (error) => socket.active || failed(error)); // refused, and not tried again
    };
    load().then(listen).catch(failed);
    const clock = setInterval(() => dispatch(["tick", Date.now()]), 1_000);
    return () => {
      ending.abort();
      clearInterval(clock);
      socketRef.current?.disconnect();
    };
  }, [bookingId, token, url]);
  return [state, socketRef];
}

export function Chat({ bookingId, token, url }) {
  const [state, socketRef] = useBooking(bookingId, token, url);
  const { booking, others, conversation, participants, messages, typing, connected, problem } = state;
  const newest = messages.at(-1)?.position ?? 0;
  useEffect(() => {
    if (newest === 0 || !connected || document.visibilityState !== "visible") return;
    socketRef.current.emit("mark_seen", { conversationId: conversation.id, position: newest });
  }, [newest, connected, conversation, socketRef]);

  if (booking === null) return <p role="status">{problem ?? "Loading …"}</p>;
  const nameOf = (who) => participants.find(({ participant }) => participant === who)?.name ?? who;
  const isSeen = ({ position, sender }) =>
    participants.some(({ participant, seen }) => participant !== sender.participant && seen >= position);
  return (
    <main>
      {problem && <p role="alert">{problem}</p>}
      <h1>{booking.serviceName}</h1>
      <p data-testid="booking">
        {booking.status}, {booking.paymentStatus}
      </p>
      <p role="status">{connected ? "Live" : "Connecting …"}</p>
      <ul aria-label="Participants">
        {participants.map(({ participant, present }) => (
          <li key={participant}>
            {nameOf(participant)} {present ? "is here" : "is away"}
          </li>
        ))}
      </ul>
      <ol aria-label="Messages">
        {messages.map((each) => (
          <li key={each.position}>
            <b>{nameOf(each.sender.participant)}</b>{" "}
            <span data-testid="text">{each.deletedAt === null ? each.text : "(deleted)"}</span>
            {each.sender.participant === conversation?.you && isSeen(each) && <small> seen</small>}
          </li>
        ))}
      </ol>
      <p data-testid="typing">
        {participants.filter(({ participant }) => typing[participant]).map((each) => `${nameOf(each.participant)} is typing …`)}
      </p>
      {conversation && <Composer socketRef={socketRef} conversationId={conversation.id} />}
      <ul aria-label="New bookings">
        {others.map((each) => (
          <li key={each.bookingId}>
            {each.serviceName ?? each.service}: {each.status}
          </li>
        ))}
      </ul>
    </main>
  );
}

function Composer({ socketRef, conversationId }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const clientId = useRef(null); // of this message: sent again under it, it is written once
  const typedAt = useRef(0);

  const change = ({ target }) => {
    setText(target.value);
    clientId.current = null;
    // Without a connection it would be said later, when it is not true any more.
    if (!socketRef.current.connected || Date.now() - typedAt.current < 2_500) return;
    typedAt.current = Date.now();
    socketRef.current.emit("typing", { conversationId });
  };
  const send = async (event) => {
    event.preventDefault();
    if (text.trim() === "") return;
    clientId.current ??= crypto.randomUUID();
    const message = { conversationId, text, clientId: clientId.current };
    try {
      const { error } = await socketRef.current.timeout(10_000).emitWithAck("send_message", message);
      if (error === null) setText("");
      setProblem(error?.message ?? "");
      if (error === null) clientId.current = null;
    } catch {
      setProblem("No answer. Send it again: it is written once.");
    }
  };
  return (
    <form onSubmit={send}>
      <input aria-label="Message" value={text} onChange={change} maxLength={2000} />
      <button>Send</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
