// Node's socket.io, with its defaults. Arguments: port, ping interval and ping timeout in milliseconds, whether to keep sessions.
import { createServer } from "node:http";
import { Server } from "socket.io";

const [port, pingInterval, pingTimeout, recovers] = process.argv.slice(2).map(Number);
const http = createServer();
const io = new Server(http, {
  pingInterval,
  pingTimeout,
  ...(recovers ? { connectionStateRecovery: {} } : {}),
});

io.on("connection", (socket) => {
  socket.on("echo", (value, ack) => ack(value));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack();
  });
  socket.on("fan", (times, payload) => {
    for (let i = 0; i < times; i++) io.emit("new_order", payload);
  });
  socket.on("rooms", (rooms, payload) => {
    for (const room of rooms) io.to(room).emit("new_order", payload);
  });
});

http.listen(port, "127.0.0.1", 4096);
