// Many stock clients in one process, each with a connection of its own and every option at its default but those given.
import { io } from "socket.io-client";

const { url, auth, counts, ...options } = JSON.parse(process.argv[2]);
const say = (kind, data) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");

const KINDS = { polling: ["polling"], upgrade: ["polling", "websocket"], websocket: ["websocket"] };

for (const [kind, count] of Object.entries(counts)) {
  for (let number = 0; number < count; number += 1) {
    const client = `${kind} ${number}`;
    const socket = io(url, { auth, forceNew: true, transports: KINDS[kind], ...options });
    socket.on("connect", () =>
      say("connect", {
        client,
        id: socket.id,
        recovered: Boolean(socket.recovered),
        node: socket.io.engine.id.split(".")[0],
      }),
    );
    socket.on("disconnect", (reason) => say("disconnect", { client, reason }));
    socket.on("connect_error", (error) => say("connect_error", { client, message: error.message }));
    socket.io.on("open", () => {
      socket.io.engine.on("upgrade", (transport) => say("upgrade", { client, transport: transport.name }));
    });
    // Of an event only what tells it from others.
    socket.onAny((event, ...args) => say("event", { client, event, id: args[0]?.id ?? null, number: args[0]?.number ?? null }));
  }
}
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
