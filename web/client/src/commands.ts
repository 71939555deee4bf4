/** What a client may ask of the server: made from its AsyncAPI document (`generated.ts`). */

import type { CommandErrorCodes, Schemas } from "./generated.js";

/** Why a command was refused. A `field`, the `current` state or what is `allowed` may stand beside these. */
export interface CommandError {
  code: string;
  message: string;
  [member: string]: unknown;
}

/** The one argument of a command's ack: one of the two members is null. */
export type CommandAck<Data> = { data: Data; error: null } | { data: null; error: CommandError };

/** What each command takes, what its ack has as `data`, and with which codes it may be refused. */
export type Commands = {
  [Name in keyof Schemas["CommandArguments"]]: {
    argument: Schemas["CommandArguments"][Name];
    data: Schemas["CommandData"][Name];
    code: CommandErrorCodes[Name];
  };
};
export type CommandName = Exclude<keyof Commands, "echo">;

/** For the stock client: `const socket: Socket<ServerEvents, CommandEvents> = io(url)` types `on` and `emitWithAck`. */
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
