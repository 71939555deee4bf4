// Stock clients with their defaults, as open admin boards: each order that one hears of is written, one line each.
// Arguments: URL, token, how many, event.
import { io } from "socket.io-client";

const [url, token, count, event] = process.argv.slice(2);
for (let admin = 0; admin < Number(count); admin++) {
  const socket = io(url, { auth: { token }, forceNew: true });
  socket.on("connect", () => console.log(JSON.stringify({ admin, connected: socket.id })));
  socket.on(event, (told) => console.log(JSON.stringify({ admin, order: (told.order ?? told).id })));
}
process.stdin.on("end", () => process.exit(0)).resume();
