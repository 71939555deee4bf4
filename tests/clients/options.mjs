// Each documented option of the stock client, of the version that the first argument names, asked against the servers
// whose addresses the second gives. Prints one line of JSON: what came of each. All of them run side by side.
import { spawn } from "node:child_process";
import parser from "socket.io-msgpack-parser";
import * as json from "socket.io-parser";

const [name, more] = process.argv.slice(2);
const { io, Manager } = await import(name);
const { absent, open, shop, msgpack, deflating, pollingOnly, websocketOnly, nowhere } = JSON.parse(more);
const QUICK = { reconnectionDelay: 10, reconnectionDelayMax: 20, forceNew: true };
const WEBSOCKET = { ...QUICK, transports: ["websocket"] };
const POLLING = { ...QUICK, transports: ["polling"] };
// Longer than anything here takes, and shorter than the test waits.
const PATIENCE_MS = 30_000;
const BYTES = Buffer.from([0, 1, 2, 254, 255]);

const heard = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
const ask = (socket, event, ...args) => new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)));
const transport = (socket) => socket.io.engine.transport.name;

/** What `use` finds out on a socket that is connected with these options. */
async function on(url, options, use) {
  const socket = io(url, options);
  await heard(socket, "connect");
  const found = await use(socket);
  socket.disconnect();
  return found;
}

const handshake = async (socket) => (await ask(socket, "handshake"))[0];
const echoes = async (socket) => (await ask(socket, "echo", BYTES))[0].equals(BYTES);
const upgraded = async (socket) => {
  if (transport(socket) !== "websocket") await heard(socket.io.engine, "upgrade");
  return transport(socket);
};

/** The same question over both transports, and with the upgrade from one to the other. */
async function everyWay(url, options, use) {
  const ways = [WEBSOCKET, POLLING, QUICK];
  const [websocket, polling, upgrade] = await Promise.all(
    ways.map((way) =>
      on(url, { ...way, ...options }, async (socket) => {
        if (way === QUICK) await upgraded(socket);
        return use(socket);
      }),
    ),
  );
  return { websocket, polling, upgrade };
}

const options = {
  addTrailingSlash: () => everyWay(open, { addTrailingSlash: false }, echoes),
  path: () => everyWay(shop, { path: "/shop/live" }, echoes),
  pathWithSlash: () => everyWay(shop, { path: "/shop/live/" }, echoes),
  forceBase64: () => everyWay(open, { forceBase64: true }, echoes),
  perMessageDeflate: () => everyWay(deflating, { perMessageDeflate: { threshold: 0 } }, echoes),
  perMessageDeflateOff: () => everyWay(deflating, { perMessageDeflate: false }, echoes),
  timestamps: () =>
    everyWay(open, { timestampRequests: true, timestampParam: "at" }, async (socket) => "at" in (await handshake(socket)).query),
  noTimestamps: () => everyWay(open, { timestampRequests: false }, async (socket) => "t" in (await handshake(socket)).query),
  query: () =>
    everyWay(open, { query: { a: "1", "b c": "\u20ac&=+/ %", empty: "" } }, async (socket) => {
      const { query } = await handshake(socket);
      return [query.a, query["b c"], query.empty];
    }),
  queryOfAddress: () => on(`${open}/custom?token=x`, WEBSOCKET, async (socket) => [socket.nsp, (await handshake(socket)).query.token]),
  extraHeaders: () =>
    everyWay(open, { extraHeaders: { "X-Shop": "one", Authorization: "Bearer two" } }, async (socket) => {
      const { headers } = await handshake(socket);
      return [headers["x-shop"], headers.authorization];
    }),
  transportOptions: () => {
    const headersOf = (way) => ({ extraHeaders: { "X-Way": way } });
    const transportOptions = { polling: headersOf("polling"), websocket: headersOf("websocket") };
    return everyWay(open, { transportOptions }, async (socket) => (await handshake(socket)).headers["x-way"]);
  },
  withCredentials: () => everyWay(open, { withCredentials: true }, echoes),
  auth: () => everyWay(open, { auth: { token: "t", n: [1, null] } }, async (socket) => (await handshake(socket)).auth),
  noAuth: () => on(open, { ...WEBSOCKET, auth: null }, async (socket) => (await handshake(socket)).auth),
  authFunction: () =>
    everyWay(open, { auth: (give) => setTimeout(() => give({ token: "later" }), 5) }, async (socket) => (await handshake(socket)).auth),
  authOfEachConnection: async () => {
    let count = 0;
    const socket = io(open, { ...WEBSOCKET, auth: (give) => give({ token: ++count }) });
    await heard(socket, "connect");
    socket.io.engine.close();
    await heard(socket, "connect");
    const { auth } = await handshake(socket);
    socket.disconnect();
    return auth.token;
  },
  protocols: () =>
    everyWay(open, { protocols: ["shop.v2", "shop.v1"] }, (socket) => socket.io.engine.transport.ws?.protocol ?? "none"),
  oneProtocol: () => on(open, { ...WEBSOCKET, protocols: "shop.v1" }, (socket) => socket.io.engine.transport.ws.protocol),
  transports: () => on(open, { ...QUICK, transports: ["websocket", "polling"] }, transport),
  noUpgrade: () => on(open, { ...QUICK, upgrade: false }, async (socket) => [await echoes(socket), transport(socket)]),
  upgradeThatIsNotOffered: () => on(pollingOnly, QUICK, async (socket) => [await echoes(socket), transport(socket)]),
  tryAllTransports: async () => {
    const attempts = [
      on(pollingOnly, { ...QUICK, tryAllTransports: true, transports: ["websocket", "polling"] }, transport),
      on(websocketOnly, { ...QUICK, tryAllTransports: true, transports: ["polling", "websocket"] }, transport),
    ];
    return Promise.all(attempts);
  },
  // Only a browser has something to unload.
  closeOnBeforeunload: () => everyWay(open, { closeOnBeforeunload: true }, echoes),
  autoConnect: async () => {
    const socket = io(open, { ...WEBSOCKET, autoConnect: false });
    const before = socket.connected;
    socket.connect();
    await heard(socket, "connect");
    socket.disconnect();
    return [before, true];
  },
  multiplex: async () => {
    const [main, custom, apart] = [
      io(open, { transports: ["websocket"], query: { m: "1" } }),
      io(`${open}/custom`, { transports: ["websocket"], query: { m: "1" } }),
      io(`${open}/custom`, { transports: ["websocket"], multiplex: false }),
    ];
    await Promise.all([main, custom, apart].map((socket) => heard(socket, "connect")));
    const shared = [main.io === custom.io, main.io === apart.io];
    for (const socket of [main, custom, apart]) socket.disconnect();
    return shared;
  },
  managerOfTwo: async () => {
    const manager = new Manager(open, { transports: ["websocket"] });
    const sockets = [manager.socket("/", { auth: { n: 1 } }), manager.socket("/custom", { auth: { n: 2 } })];
    await Promise.all(sockets.map((socket) => heard(socket, "connect")));
    const auths = await Promise.all(sockets.map(async (socket) => (await handshake(socket)).auth.n));
    for (const socket of sockets) socket.disconnect();
    return auths;
  },
  retries: () =>
    on(open, { ...WEBSOCKET, retries: 3, ackTimeout: 5_000 }, async (socket) => {
      const answers = [1, 2, 3].map((n) => new Promise((resolve) => socket.emit("echo", n, (...args) => resolve(args.at(-1)))));
      return Promise.all(answers);
    }),
  retriesOfAnUnknownEvent: () =>
    on(open, { ...WEBSOCKET, retries: 3, ackTimeout: 5_000 }, async (socket) => {
      const answer = new Promise((resolve) => socket.emit("nobody handles this", (...args) => resolve(args.at(-1))));
      const next = new Promise((resolve) => socket.emit("echo", "next", (...args) => resolve(args.at(-1))));
      return [(await answer).error.code, await next];
    }),
  reconnection: async () => {
    const socket = io(open, { ...WEBSOCKET, reconnection: false });
    await heard(socket, "connect");
    const gone = heard(socket, "disconnect");
    socket.emit("hang up");
    const [reason] = await gone;
    await new Promise((resolve) => setTimeout(resolve, 60));
    return [reason, socket.connected];
  },
  reconnectionDelay: async () => {
    const socket = io(open, { ...WEBSOCKET, randomizationFactor: 0 });
    await heard(socket, "connect");
    const first = socket.id;
    socket.emit("hang up");
    await heard(socket.io, "reconnect");
    if (!socket.connected) await heard(socket, "connect");
    const found = [socket.id !== first, await echoes(socket)];
    socket.disconnect();
    return found;
  },
  reconnectionAttempts: async () => {
    const socket = io(nowhere, { ...QUICK, reconnectionAttempts: 2, randomizationFactor: 0 });
    let attempts = 0;
    socket.io.on("reconnect_attempt", () => attempts++);
    await heard(socket.io, "reconnect_failed");
    return attempts;
  },
  msgpackParser: () => everyWay(msgpack, { parser }, echoes),
  customParser: () => {
    class Decoder extends json.Decoder {
      constructor() {
        super((key, value) => (key === "price" ? BigInt(value).toString() : value));
      }
    }
    return everyWay(open, { parser: { ...json, Decoder } }, async (socket) => (await ask(socket, "echo", { price: 5 }))[0]);
  },
  autoUnref: async () => {
    const lone = `
      import { io } from ${JSON.stringify(name)};
      const socket = io(${JSON.stringify(open)}, { transports: ["websocket"], autoUnref: true });
      const held = setTimeout(() => {}, ${PATIENCE_MS});
      socket.on("connect", () => {
        console.log("connected");
        clearTimeout(held);
      });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", lone], { stdio: ["ignore", "pipe", "inherit"] });
    const said = heard(child.stdout.setEncoding("utf8"), "data");
    const [code] = await heard(child, "exit");
    return [(await said)[0].trim(), code];
  },
};

const late = () => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, "no answer"));
const found = async ([option, run]) => [option, await Promise.race([run().catch((error) => String(error)), late()])];
const results = await Promise.all(Object.entries(options).filter(([option]) => !absent.includes(option)).map(found));
// By itself, because what is remembered is one variable of the module's.
const rememberUpgrade = async () => {
  await on(open, { ...QUICK, rememberUpgrade: true }, upgraded);
  return on(open, { ...QUICK, rememberUpgrade: true }, transport);
};
results.push(await found(["rememberUpgrade", rememberUpgrade]));
process.stdout.write(JSON.stringify(Object.fromEntries(results)) + "\n", () => process.exit(0));
