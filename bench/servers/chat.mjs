// Chat as it is usually built on Node: socket.io and better-sqlite3. A message is inserted, acknowledged and emitted to
// the room of its conversation. Arguments: port, a database file, secret (of nobody: whoever connects is let in).
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Database from "better-sqlite3";
import { Server } from "socket.io";

const [port, database] = process.argv.slice(2);
const db = new Database(database);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`
  CREATE TABLE conversations (id TEXT PRIMARY KEY, last_position INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE messages (id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL REFERENCES conversations (id),
    position INTEGER NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL, created_at TEXT NOT NULL,
    UNIQUE (conversation_id, position));
  INSERT INTO conversations (id) VALUES ('cnv_bench');
`);
const next = db.prepare(
  "UPDATE conversations SET last_position = last_position + 1 WHERE id = ? RETURNING last_position AS position",
);
const insert = db.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)");
const write = db.transaction((conversationId, sender, text) => {
  const { position } = next.get(conversationId);
  const message = { id: randomUUID(), conversationId, position, sender, text, createdAt: new Date().toISOString() };
  insert.run(message.id, conversationId, position, sender, text, message.createdAt);
  return message;
});

const http = createServer((_request, response) => response.writeHead(404).end());
const io = new Server(http, { pingInterval: 300_000, pingTimeout: 200_000 });
io.on("connection", (socket) => {
  socket.join("cnv_bench");
  socket.on("send_message", ({ conversationId, text }, ack) => {
    const message = write(conversationId, socket.id, text);
    ack({ data: message, error: null });
    io.to(conversationId).emit("message", message);
  });
});
http.listen(Number(port), "127.0.0.1", 4096);
