// What React's strict mode makes of an effect that connects: connect, disconnect, connect, within one turn, while another
// namespace keeps the connection. Prints how it ends.
import { io } from "socket.io-client";

const [url, transports, namespace] = process.argv.slice(2);
const once = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));

const main = io(url, { transports: transports.split(","), forceNew: true, reconnection: false });
await once(main, "connect");
const engine = main.io.engine.id;
let lost = false;
main.on("disconnect", () => (lost = true));

const other = main.io.socket(namespace, { auth: { n: 1 } });
for (let n = 2; n < 5; n++) {
  other.disconnect();
  other.auth = { n };
  other.connect();
}
await once(other, "settled");
console.log(
  JSON.stringify({ lost, sameConnection: main.io.engine.id === engine, auth: await other.emitWithAck("auth?") }),
);
main.disconnect();
other.disconnect();
process.exit(0);
