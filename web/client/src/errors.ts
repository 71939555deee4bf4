/** Why there is no connection: the server's code and sentence where it gave them, else the transport's. */
export interface LiveProblem {
  readonly code: string;
  readonly message: string;
}

/** A command that the server answered with an error. */
export class CommandRefused extends Error {
  override readonly name = "CommandRefused";
  readonly code: string;

  constructor(
    /** The whole error as the server sent it, with its extra members. */
    readonly answer: unknown,
  ) {
    const { code, message } = readProblem(answer, "refused");
    super(message);
    this.code = code;
  }
}

/** No answer came in time; whether the command was done is unknown. */
export class CommandUnanswered extends Error {
  override readonly name = "CommandUnanswered";

  constructor(
    readonly command: string,
    readonly waited_ms: number,
  ) {
    super(`No answer to ${command} within ${waited_ms} ms.`);
  }
}

/** The server's refusal of a connection or command, as far as it can be read. */
export function readProblem(error: unknown, fallbackCode: string): LiveProblem {
  const read = (value: unknown, key: string): string | undefined => {
    const found =
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
    return typeof found === "string" ? found : undefined;
  };
  const data = typeof error === "object" && error !== null && "data" in error ? error.data : undefined;
  return {
    code: read(data, "code") ?? read(error, "code") ?? fallbackCode,
    message: read(data, "message") ?? read(error, "message") ?? fallbackCode,
  };
}
