/** What a client may ask of the server: one line per command, with its argument and the `data` of its ack. */

import type { Order, Status } from "./orders.js";

/** Why a command was refused. A `field`, the `current` state or what is `allowed` may stand beside these. */
export interface CommandError {
  code: string;
  message: string;
  [member: string]: unknown;
}

/** The one argument of a command's ack: one of the two members is null. */
export type CommandAck<Data> = { data: Data; error: null } | { data: null; error: CommandError };

/** The same command under the same id is done once, and answered as it was the first time. */
interface Repeatable {
  clientId?: string;
}

interface WatchOrder {
  orderId: string;
}

interface UpdateOrderStatus extends Repeatable {
  orderId: string;
  status: Status;
  /** The version that the sender saw. */
  version: number;
  reason?: string;
  proof?: Record<string, unknown>;
}

type AssignDriver = Repeatable & { orderId: string; version: number } & (
    { driverId: string } | { nearest: true }
  );

interface DriverLocation {
  lat: number;
  lng: number;
  /** Metres. */
  accuracy?: number;
  /** RFC 3339; now, if it is left out. */
  at?: string;
}

type MarkSeen = { notificationIds: string[] } | { all: true };

export interface Commands {
  /** Answers a snapshot with its position; the changes behind it follow, without a gap. */
  watch_order: { argument: WatchOrder; data: { order: Order; position: string } };
  unwatch_order: { argument: WatchOrder; data: { orderId: string } };
  update_order_status: { argument: UpdateOrderStatus; data: Order };
  assign_driver: { argument: AssignDriver; data: Order };
  driver_location: { argument: DriverLocation; data: { taken: boolean } };
  mark_seen: { argument: MarkSeen; data: { unread: number } };
  /** `expiresAt` is in seconds since 1970; null for a token that does not expire. */
  auth_refresh: { argument: { token: string }; data: { expiresAt: number | null } };
}
export type CommandName = keyof Commands;

/** For the stock client: `const socket: Socket<DefaultEventsMap, CommandEvents> = io(url)` types `emitWithAck`. */
export type CommandEvents = {
  [Name in CommandName]: (
    argument: Commands[Name]["argument"],
    ack: (answer: CommandAck<Commands[Name]["data"]>) => void,
  ) => void;
} & { echo: (...args: unknown[]) => void };

/** Reads an ack that came from anywhere; what is no ack of a command is taken for a refusal. */
export function readAck(answer: unknown): CommandAck<unknown> {
  if (typeof answer === "object" && answer !== null && "data" in answer && "error" in answer) {
    if (answer.error === null) return { data: answer.data, error: null };
    return { data: null, error: answer.error as CommandError };
  }
  return { data: null, error: { code: "ack_malformed", message: "The answer is no command's ack." } };
}
