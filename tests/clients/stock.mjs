// The stock client against a server whose address is the first argument; the second says how to connect, the third
// what to do, the fourth more options. Prints one line of JSON: what came of it.
import { io } from "socket.io-client";

const [url, transports, scenario, more = "{}"] = process.argv.slice(2);
const options = { transports: transports.split(","), reconnectionDelay: 20, reconnectionDelayMax: 50, forceNew: true, ...JSON.parse(more) };
const once = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));

const scenarios = {
  async arguments(socket) {
    const args = [1, -1.5, "two", true, null, [1, [2]], { three: { four: [] } }, "\u20ac\u{1f600}", ""];
    socket.emit("message", ...args);
    return { same: JSON.stringify(await once(socket, "message-back")) === JSON.stringify(args) };
  },

  async binary(socket) {
    const bytes = Buffer.from([0, 1, 2, 255]);
    const big = Buffer.alloc(100_000, 7);
    socket.emit("message", { a: [bytes] }, big, new Uint8Array([9]));
    const [first, second, third] = await once(socket, "message-back");
    const [acked] = [await socket.emitWithAck("message-with-ack", bytes)];
    return {
      first: bytes.equals(first.a[0]),
      second: big.equals(second),
      third: Buffer.from([9]).equals(third),
      acked: bytes.equals(acked),
    };
  },

  async acks(socket) {
    socket.on("question", (a, b, answer) => answer(a + b, { ok: true }));
    const answers = await Promise.all([1, 2, 3].map((n) => socket.emitWithAck("message-with-ack", n)));
    const asked = await socket.emitWithAck("ask me");
    const late = await socket.timeout(50).emitWithAck("never").catch((error) => error.message);
    return { answers, asked, late };
  },

  async namespaces(socket) {
    const admin = socket.io.socket("/custom", { auth: { token: "t" } });
    const unknown = socket.io.socket("/unknown");
    const [[auth], [error]] = await Promise.all([once(admin, "auth"), once(unknown, "connect_error")]);
    admin.disconnect();
    socket.emit("message", "still here");
    return { auth, error: error.message, main: await once(socket, "message-back"), connected: admin.connected };
  },

  async refused(socket) {
    const guarded = socket.io.socket("/guarded", { auth: { token: "wrong" } });
    const [error] = await once(guarded, "connect_error");
    const told = { message: error.message, data: error.data, active: guarded.active };
    guarded.auth = { token: "right" };
    guarded.connect();
    await once(guarded, "connect");
    return told;
  },

  async burst(socket) {
    const heard = [];
    const all = new Promise((resolve) =>
      socket.on("message-back", (n) => heard.push(n) === 2_000 && resolve()),
    );
    for (let n = 0; n < 2_000; n++) socket.emit("message", n);
    await all;
    return { inOrder: heard.every((n, index) => n === index), transport: socket.io.engine.transport.name };
  },

  async upgrade(socket) {
    if (socket.io.engine.transport.name !== "websocket") await once(socket.io.engine, "upgrade");
    return { transport: socket.io.engine.transport.name, answer: await socket.emitWithAck("message-with-ack", 1) };
  },

  async sentAway(socket) {
    const gone = once(socket, "disconnect");
    socket.emit("send me away");
    return { reason: (await gone)[0], active: socket.active };
  },

  // Says when it has heard of 1 and is ready to be cut off; tells what it has heard when it hears of 0.
  async recover(socket) {
    const heard = [];
    const end = new Promise((resolve) => socket.on("n", (n) => (n === 0 ? resolve() : heard.push(n))));
    const { id } = socket;
    await socket.emitWithAck("message-with-ack", 1);
    console.log(JSON.stringify({ connected: true }));
    await end;
    return { heard, recovered: socket.recovered, sameId: socket.id === id };
  },

  // Says when it is connected, then goes on over a restart of the server.
  async restart(socket) {
    console.log(JSON.stringify({ connected: true }));
    const [reason] = await once(socket, "disconnect");
    await once(socket, "connect");
    return { reason, answer: await socket.emitWithAck("message-with-ack", "again") };
  },
};

const socket = io(url, options);
await once(socket, "connect");
const result = await scenarios[scenario](socket);
console.log(JSON.stringify(result));
socket.disconnect();
process.exit(0);
