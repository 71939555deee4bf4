import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { type CommandName, type Commands, readAck } from "./commands.js";
import { CommandRefused, CommandUnanswered, type LiveProblem, readProblem } from "./errors.js";
import type { EventName, Events, Resync } from "./events.js";
import { Once, positionOf } from "./once.js";
import { problemIn } from "./payloads.js";
import { parsePosition, type Position } from "./position.js";
import { Store } from "./store.js";

export type ConnectionState = "connecting" | "connected" | "disconnected";

export interface LiveSnapshot {
  readonly state: ConnectionState;
  readonly socketId: string | undefined;
  readonly transport: string | undefined;
  /** Whether the last connection took up the session before it, with nothing missed. */
  readonly recovered: boolean;
  /** Where the feed stood when the server last said `ready`; what is fetched later than this is complete. */
  readonly readyAt: Position | undefined;
  /** As whom the server knows this socket. */
  readonly identity: string | undefined;
  readonly problem: LiveProblem | undefined;
}

export interface LiveOptions {
  /** The server's URL; the page's own origin where it is left out. */
  url?: string | undefined;
  /**
   * A JWT or a tracking token; a socket without one hears only what it asks for itself.
   *
   * A function is asked at each connection, so that one which comes back shows the token of that moment.
   */
  token?: string | (() => string | undefined) | undefined;
  /** Anything else for the stock client, such as `transports`. */
  socket?: Partial<ManagerOptions & SocketOptions>;
}

const ANSWER_WITHIN_MS = 10_000;
const OFFLINE: LiveSnapshot = {
  state: "disconnected",
  socketId: undefined,
  transport: undefined,
  recovered: false,
  readyAt: undefined,
  identity: undefined,
  problem: undefined,
};

type ShowAuth = (auth: Record<string, string>) => void;

const authOf = (token: string | undefined): Record<string, string> => (token === undefined ? {} : { token });

type Handler = (payload: never, position: Position | undefined) => void;
type AnyHandler = (name: string, args: readonly unknown[]) => void;
type GapHandler = (reason: string) => void;

/**
 * One connection to a shop, to be kept as long as its page.
 *
 * Reconnecting and catching up are the stock client's work and the server's; this class keeps the state for a page to
 * show, lets each event through once, and says when something was missed after all.
 */
export class Live {
  /** The stock client underneath, for what this class does not cover. */
  readonly socket: Socket;
  readonly #store = new Store<LiveSnapshot>(OFFLINE);
  readonly #once = new Once();
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #anyHandlers = new Set<AnyHandler>();
  readonly #gapHandlers = new Set<GapHandler>();
  #connectedBefore = false;
  /** What the server said before it ended the connection. */
  #farewell: LiveProblem | undefined;

  constructor({ url, token, socket }: LiveOptions = {}) {
    // A manager of its own: two lives on one page must not share one transport choice or one closing.
    const options = {
      ...socket,
      autoConnect: false,
      forceNew: true,
      auth: typeof token === "function" ? (show: ShowAuth) => show(authOf(token())) : authOf(token),
    };
    this.socket = url === undefined || url === "" ? io(options) : io(url, options);
    this.socket.onAny((name: string, ...args: unknown[]) => this.#receive(name, args));
    this.socket.on("connect", () => this.#connected());
    this.socket.on("disconnect", (reason) => this.#disconnected(reason));
    this.socket.on("connect_error", (error) => this.#refused(error));
    this.socket.io.on("open", () => this.#watchTransport());
    this.socket.io.on("reconnect_attempt", () => this.#store.update({ state: "connecting" }));
  }

  // Its state

  readonly getSnapshot = (): LiveSnapshot => this.#store.getSnapshot();
  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  connect(): void {
    if (this.socket.connected) return;
    this.#store.update({ state: "connecting", problem: undefined });
    this.socket.connect();
  }

  disconnect(): void {
    this.socket.disconnect();
    this.#store.update({ state: "disconnected", socketId: undefined, transport: undefined });
  }

  // What is heard

  /** Calls `handler` for each event of that name, once each and in order. Returns how to stop. */
  on<E extends EventName>(
    name: E,
    handler: (payload: Events[E], position: Position | undefined) => void,
  ): () => void {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /** Calls `handler` for whatever arrives, repeated or not, as it stands on the wire. Returns how to stop. */
  onAny(handler: AnyHandler): () => void {
    this.#anyHandlers.add(handler);
    return () => this.#anyHandlers.delete(handler);
  }

  /** Calls `handler` when events may be missing, so that the page fetches anew. Returns how to stop. */
  onGap(handler: GapHandler): () => void {
    this.#gapHandlers.add(handler);
    return () => this.#gapHandlers.delete(handler);
  }

  // What is said

  /**
   * Sends a command and waits for its data.
   *
   * Rejects with CommandRefused when the server says no, with CommandUnanswered when it says nothing in time.
   */
  async command<Name extends CommandName>(
    name: Name,
    argument: Commands[Name]["argument"],
  ): Promise<Commands[Name]["data"]> {
    const [answer] = await this.ask(name, argument);
    const { data, error } = readAck(answer);
    if (error !== null) throw new CommandRefused(error);
    return data as Commands[Name]["data"];
  }

  /** Emits an event and waits for all that its ack carries. Rejects with CommandUnanswered. */
  ask(name: string, ...args: unknown[]): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const answered = (late: Error | null, ...answer: unknown[]): void => {
        if (late === null) resolve(answer);
        else reject(new CommandUnanswered(name, ANSWER_WITHIN_MS));
      };
      this.socket.timeout(ANSWER_WITHIN_MS).emit(name, ...args, answered);
    });
  }

  /** Shows the server a fresh token of the same person, so that the connection outlives the one it began with. */
  async renew(token: string): Promise<void> {
    if (this.socket.connected) await this.command("auth_refresh", { token });
  }

  // Steps of the connection

  #connected(): void {
    this.#store.update({
      state: "connected",
      socketId: this.socket.id,
      transport: this.socket.io.engine.transport.name,
      recovered: this.socket.recovered,
      problem: undefined,
    });
    if (this.#connectedBefore && !this.socket.recovered) this.#tellGap("reconnected");
    this.#connectedBefore = true;
  }

  #disconnected(reason: Socket.DisconnectReason): void {
    const byUs = reason === "io client disconnect";
    const why = this.#farewell ?? { code: reason, message: reason };
    this.#farewell = undefined;
    this.#store.update({
      state: this.socket.active ? "connecting" : "disconnected",
      socketId: undefined,
      transport: undefined,
      problem: byUs ? undefined : why,
    });
  }

  #refused(error: Error): void {
    // `active` tells a transport that will be tried again from a server that said no.
    this.#store.update({
      state: this.socket.active ? "connecting" : "disconnected",
      problem: readProblem(error, "unreachable"),
    });
  }

  /** From the engine's opening on: an upgrade may be done before the server has let the socket in. */
  #watchTransport(): void {
    const { engine } = this.socket.io;
    this.#store.update({ transport: engine.transport.name });
    engine.on("upgrade", (transport) => this.#store.update({ transport: transport.name }));
  }

  // Steps of an event

  #receive(name: string, args: readonly unknown[]): void {
    for (const handler of [...this.#anyHandlers]) handler(name, args);
    if (name === "auth_expired" || name === "auth_revoked")
      this.#farewell = readProblem(args[0], name === "auth_expired" ? "token_expired" : "token_revoked");
    const problem = problemIn(name, args[0]);
    if (name === "ready" && problem === undefined) this.#ready(args[0] as Events["ready"]);
    else if (name === "resync") this.#tellGap(problem === undefined ? (args[0] as Resync).reason : "resync");
    // These two speak of the connection, not of a change: the same position may come with them again.
    else if (!this.#once.admits(name, positionOf(args))) return;
    if (problem !== undefined) {
      console.error(`The event ${name} is left out: ${problem}.`, args[0]);
      return;
    }
    for (const handler of [...(this.#handlers.get(name) ?? [])])
      this.#call(name, () => handler(args[0] as never, positionOf(args)));
  }

  /** What one handler throws is its own: the others hear the event all the same. */
  #call(name: string, handler: () => void): void {
    try {
      handler();
    } catch (error) {
      console.error(`A handler of ${name} failed.`, error);
    }
  }

  #ready({ position, identity }: Events["ready"]): void {
    this.#store.update({ readyAt: parsePosition(position), identity });
  }

  #tellGap(reason: string): void {
    for (const handler of [...this.#gapHandlers]) handler(reason);
  }
}
