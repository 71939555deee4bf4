// Several people in one conversation, each a stock client, in one process: they write, read and say how far they have
// read, whatever happens to their connections. What they do and hear is written, one JSON value per line.
import { io } from "socket.io-client";

const { conversationId, people, total, ackTimeout } = JSON.parse(process.argv[2]);
const say = (kind, data) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");
const PAUSE_MS = 20;
// Nobody writes before all hear: who came later would rightly not hear what was written before.
let absent = people.length;
let allAreThere;
const everybody = new Promise((resolve) => (allAreThere = resolve));
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

for (const { name, url, token, messages, readsUpTo } of people) {
  const socket = io(url, {
    auth: { token },
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
  });
  const heard = [];
  const receipts = [];
  let newest = 0;
  let said = 0;
  let isReading = false;
  let hasRead = false;
  const ask = (event, argument) => socket.timeout(ackTimeout).emitWithAck(event, argument);

  socket.on("connect", () => {
    say("connect", { name, recovered: Boolean(socket.recovered) });
    ask("watch_conversation", { conversationId }).catch(() => {});
  });
  socket.once("ready", () => {
    absent -= 1;
    if (absent === 0) allAreThere();
  });
  socket.on("resync", (why) => say("resync", { name, ...why }));
  socket.on("message", (message) => {
    heard.push([message.position, message.id]);
    newest = message.position;
    if (heard.length >= total) say("heard", { name, heard });
    if (!isReading) read();
  });
  socket.on("seen", (receipt) => receipts.push([receipt.participant, receipt.seen]));

  // As far as was heard; the last word is said until it is taken.
  async function read() {
    isReading = true;
    while (said < Math.min(newest, readsUpTo)) {
      const position = Math.min(newest, readsUpTo);
      try {
        const { data } = await ask("mark_seen", { conversationId, position });
        if (data) said = position;
      } catch {
        // asked again
      }
      await pause();
    }
    isReading = false;
    if (said >= readsUpTo && heard.length >= total && !hasRead) {
      hasRead = true;
      say("read", { name, receipts });
    }
  }

  // One after another, each under its own name until it is acknowledged.
  async function write() {
    await everybody;
    for (let number = 0; number < messages; ) {
      const clientId = `${name}-${number}`;
      try {
        const { data, error } = await ask("send_message", { conversationId, text: `${clientId} says hello`, clientId });
        if (data) {
          say("sent", { name, clientId, position: data.position, id: data.id });
          number += 1;
        } else if (!/unavailable|behind|running|locked/.test(error.code)) say("strange", { name, error });
      } catch {
        // No acknowledgement: it may have been written, and is not written twice.
      }
      await pause();
    }
  }
  write();
}
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
