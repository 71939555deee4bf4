// A Socket.IO server of Node.js with the stock Redis adapter. A socket enters the rooms that its `auth` names; what comes
// by standard input, one command per line, is said to its rooms.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const { url } = JSON.parse(process.argv[2]);
const say = (kind, data) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");
const publishing = await createClient({ url }).connect();
const listening = await publishing.duplicate().connect();

const http = createServer();
const io = new Server(http, { adapter: createAdapter(publishing, listening) });
io.on("connection", (socket) => socket.join(socket.handshake.auth.rooms ?? []));
io.of("/other");
io.on("server event", (...args) => say("server event", { args }));

let rest = "";
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { to, call, args } = JSON.parse(line);
    const audience = to ? io.to(to) : io;
    if (call === "fetchSockets") audience.fetchSockets().then((sockets) => say("fetched", { ids: sockets.map((s) => s.id) }));
    else audience[call](...args);
  }
});
process.stdin.on("end", () => process.exit(0));
http.listen(0, "127.0.0.1", () => say("ready", { port: http.address().port }));
