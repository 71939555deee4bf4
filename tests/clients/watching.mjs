// The stock client, unmodified, keeps a table as docs/guides/attach.md shows it, and writes its rows whenever they change.
import { io } from "socket.io-client";

const { url, auth, wanted } = JSON.parse(process.argv[2]);
const say = (kind, data) => process.stdout.write(JSON.stringify({ kind, ...data }) + "\n");
const socket = io(url, { auth, reconnectionDelay: 50, reconnectionDelayMax: 200 });
const rows = new Map();

function watch() {
  socket.emit("watch", wanted, ({ data, error }) => {
    if (error?.retryAfter) setTimeout(watch, 1000 * error.retryAfter);
    if (error) return say("error", error);
    rows.clear();
    for (const { rowId, row } of data.rows) rows.set(rowId, row);
    show();
  });
}
function put({ rowId, row }) {
  rows.set(rowId, row);
  show();
}
function show() {
  say("rows", { rows: Object.fromEntries(rows) });
}

socket.on("connect", watch);
socket.on("resync", watch);
socket.on("row_entered", put);
socket.on("row_changed", put);
socket.on("row_left", ({ rowId }) => {
  rows.delete(rowId);
  show();
});

socket.on("connect", () => say("connect", { recovered: Boolean(socket.recovered) }));
socket.onAny((event, ...args) => say("event", { event, args }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
