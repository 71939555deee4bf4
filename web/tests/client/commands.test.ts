import type { Order } from "@ordercast/client";
import { type CommandAck, type CommandEvents, readAck } from "@ordercast/client";
import type { Socket } from "socket.io-client";
import { describe, expect, expectTypeOf, it } from "vitest";

describe("an ack", () => {
  it.each([
    [
      { data: 1, error: null },
      { data: 1, error: null },
    ],
    [
      { data: null, error: { code: "no", message: "No." } },
      { data: null, error: { code: "no", message: "No." } },
    ],
  ])("is read: %j", (answer, ack) => expect(readAck(answer)).toEqual(ack));

  it.each([null, undefined, 1, "text", [], {}, { data: 1 }])("of no command is a refusal: %j", (answer) =>
    expect(readAck(answer)).toMatchObject({ data: null, error: { code: "ack_malformed" } }),
  );

  it("types what the stock client awaits", () => {
    type Typed = Socket<Record<string, never>, CommandEvents>;
    const watch = (socket: Typed) => socket.emitWithAck("watch_order", { orderId: "ord_1" });
    expectTypeOf(watch).returns.resolves.toEqualTypeOf<CommandAck<{ order: Order; position: string }>>();
  });
});
