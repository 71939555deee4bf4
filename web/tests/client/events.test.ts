import type { CommandEvents, EventName, Events, Order, ServerEvents } from "@ordercast/client";
import { io, type Socket } from "socket.io-client";
import { expect, expectTypeOf, it } from "vitest";

// What is wrong here must not compile: `npm run types` fails where an error that is expected does not come.
it("types the stock client's events and commands by the server's document", () => {
  const socket: Socket<ServerEvents, CommandEvents> = io({ autoConnect: false });

  socket.on("new_order", ({ order }, offset) => {
    expectTypeOf(order.customerName).toEqualTypeOf<string | null>();
    expectTypeOf(offset).toEqualTypeOf<string>();
    // @ts-expect-error -- the small notice has no version
    expect(order.version).toBeUndefined();
  });
  socket.on("newOrder", (order) => {
    expectTypeOf(order).toExtend<Order>();
    expectTypeOf(order.seq).toEqualTypeOf<number>();
  });
  socket.on("delivery_update", ({ stage, attempts }, offset) => {
    expectTypeOf(stage).toEqualTypeOf<Order["status"]>();
    expectTypeOf(attempts).toEqualTypeOf<number | undefined>();
    expectTypeOf(offset).toEqualTypeOf<string | undefined>();
  });
  // @ts-expect-error -- today's figures carry no offset
  socket.on("stats", (_figures, offset: string) => offset);
  // @ts-expect-error -- there is no such event
  socket.on("order_placed", () => undefined);

  const ask = async () => {
    const { data, error } = await socket.emitWithAck("watch_order", { orderId: "ord_1" });
    if (error === null) expectTypeOf(data.order).toEqualTypeOf<Order>();
    // @ts-expect-error -- a command names the order by its id
    await socket.emitWithAck("watch_order", { order: "ord_1" });
    await socket.emitWithAck("update_order_status", { orderId: "ord_1", status: "processing", version: 1 });
    // @ts-expect-error -- and the version that was seen
    await socket.emitWithAck("update_order_status", { orderId: "ord_1", status: "processing" });
  };
  expect(ask).toBeInstanceOf(Function);
  expect(socket.connected).toBe(false);
});

it("has every event that pages listen to", () => {
  expectTypeOf<"new_order" | "newOrder" | "orderStatusUpdated" | "message" | "ready">().toExtend<EventName>();
  expectTypeOf<Events["orderStatusUpdated"]["newStatus"]>().toEqualTypeOf<Order["status"]>();
});
