// The stock client with its msgpack parser, against a server whose address is the first argument; the second says how
// to connect. Prints one line of JSON: what came of it.
import { io } from "socket.io-client";
import parser from "socket.io-msgpack-parser";

const [url, transports] = process.argv.slice(2);
const options = { transports: transports.split(","), parser, auth: { token: "t", nothing: undefined }, forceNew: true };
const once = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));

const socket = io(url, options);
const [auth] = await once(socket, "auth");
socket.on("question", (a, b, answer) => answer(a + b, Buffer.from([9])));

const bytes = Buffer.from([0, 1, 2, 255]);
const args = [1, -1.5, 2 ** 40, "two", true, null, [1, [2]], { three: { four: [] } }, "\u20ac\u{1f600}", ""];
socket.emit("message", ...args);
const same = JSON.stringify(await once(socket, "message-back")) === JSON.stringify(args);
socket.emit("message", { a: [bytes] }, new Uint8Array([9]).buffer, undefined);
const [first, second, third] = await once(socket, "message-back");
const date = await socket.emitWithAck("message-with-ack", new Date(1234));
const asked = await socket.emitWithAck("ask me");
const unknown = socket.io.socket("/unknown");
const [error] = await once(unknown, "connect_error");
console.log(
  JSON.stringify({
    auth,
    same,
    binary: bytes.equals(first.a[0]) && Buffer.from([9]).equals(second) && third === null,
    date,
    asked: Buffer.from([9]).equals(asked),
    error: error.message,
    transport: socket.io.engine.transport.name,
  }),
);
socket.disconnect();
process.exit(0);
