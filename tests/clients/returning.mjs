// The stock client, unmodified, for tests of recovery: says briefly what it heard, and does what it is told.
// One JSON value per line, in and out: {"event", "args"} is emitted and its ack written; {"connect": auth} connects
// with that auth; {"disconnect": true} leaves on purpose.
import { io } from "socket.io-client";

const { url, auth, ...options } = JSON.parse(process.argv[2]);
const say = (kind, data) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");

const socket = io(url, { auth, reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
const brief = (payload) => payload?.n ?? payload?.order?.id ?? payload?.id ?? payload ?? null;

socket.on("connect", () =>
  say("connect", {
    id: socket.id,
    recovered: Boolean(socket.recovered),
    transport: socket.io.engine.transport.name,
    pid: socket._pid ?? null,
  }),
);
socket.on("disconnect", (reason) => say("disconnect", { reason }));
socket.on("connect_error", (error) => say("connect_error", { message: error.message, data: error.data ?? null }));
socket.onAny((event, payload, offset) => say("event", { event, payload: brief(payload), offset: offset ?? null }));
socket.io.on("open", () => {
  socket.io.engine.on("upgrade", (transport) => say("upgrade", { transport: transport.name }));
});

const commands = {
  connect(credentials) {
    socket.auth = credentials;
    socket.connect();
  },
  disconnect() {
    socket.disconnect();
  },
};

let rest = "";
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { event, args, ...told } = JSON.parse(line);
    if (event) socket.emit(event, ...args, (...answer) => say("ack", { event, args: answer }));
    for (const [command, argument] of Object.entries(told)) commands[command](argument);
  }
});
process.stdin.on("end", () => process.exit(0));
