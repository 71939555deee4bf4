// The stock client, unmodified: connects and writes what it hears, one JSON value per line.
import { io } from "socket.io-client";

const { url, auth, ...options } = JSON.parse(process.argv[2]);
const say = (kind, data) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");

const socket = io(url, { auth, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options });
socket.on("connect", () =>
  say("connect", { id: socket.id, recovered: Boolean(socket.recovered), transport: socket.io.engine.transport.name }),
);
socket.on("disconnect", (reason) => say("disconnect", { reason }));
socket.on("connect_error", (error) => say("connect_error", { message: error.message, data: error.data ?? null }));
socket.onAny((event, ...args) => say("event", { event, args }));
// Asked, it says who it is.
socket.on("question", (...args) => args.at(-1)(socket.id));
socket.io.on("open", () => {
  socket.io.engine.on("upgrade", (transport) => say("upgrade", { transport: transport.name }));
});

// Commands come by standard input: {"event", "args"} is emitted, and its ack written.
let rest = "";
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { event, args } = JSON.parse(line);
    socket.emit(event, ...args, (...answer) => say("ack", { event, args: answer }));
  }
});
process.stdin.on("end", () => process.exit(0));
