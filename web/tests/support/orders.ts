import type { Order } from "@ordercast/client";
import type { StatusFlow, Transition } from "../../src/api/status-flow";

/** An order as the API answers it; each test names only what it is about. */
export function anOrder(values: Partial<Order> = {}): Order {
  const number = values.number ?? 1001;
  return {
    id: `ord_${number}`,
    number,
    status: "pending",
    paymentStatus: "unpaid",
    fulfilment: "delivery",
    version: 1,
    subtotal: 80_00,
    tax: 4_00,
    shippingFee: 60_00,
    discount: 0,
    total: 144_00,
    currency: "BDT",
    amountPaid: 0,
    amountRefunded: 0,
    amountRefunding: 0,
    pricesIncludeTax: false,
    promoCode: null,
    customerInfo: { name: "Asha Rahman", email: "asha@example.com", mobile: "+8801700000000" },
    billingInfo: {
      name: "Asha Rahman",
      line1: "12 Lake Road",
      city: "Dhaka",
      postcode: "1207",
      country: "BD",
    },
    shippingInfo: {
      name: "Asha Rahman",
      line1: "12 Lake Road",
      city: "Dhaka",
      postcode: "1207",
      country: "BD",
    },
    cartItems: [
      {
        productId: "prd_1",
        name: "Masala chai",
        quantity: 2,
        unitPrice: 40_00,
        lineTotal: 80_00,
        tax: 0,
        image: "/images/masala-chai.svg",
      },
    ],
    paymentInfo: { method: "cash" },
    customerId: null,
    driverId: null,
    heldFrom: null,
    createdAt: "2026-01-05T10:00:00.000Z",
    updatedAt: "2026-01-05T10:00:00.000Z",
    ...values,
  };
}

const move = (
  from: Transition["from"],
  to: Transition["to"],
  more: Partial<Transition> = {},
): Transition => ({
  from,
  to,
  roles: ["admin", "store"],
  needsReason: false,
  fulfilment: null,
  guards: [],
  ...more,
});

/** Enough of the server's table for each rule of the buttons. */
export const FLOW: StatusFlow = {
  booking: [],
  bookingReschedule: [],
  order: [
    move("pending", "processing", { guards: ["payment_ready"] }),
    move("pending", "rejected"),
    move("pending", "expired", { roles: ["service"] }),
    move("pending", "cancelled", { roles: ["admin", "store", "customer"], needsReason: true }),
    move("pending", "on_hold", { needsReason: true }),
    move("processing", "ready_for_pickup", { fulfilment: "pickup" }),
    move("processing", "ready_for_delivery", { fulfilment: "delivery" }),
    move("processing", "cancelled", { needsReason: true }),
    move("ready_for_pickup", "delivered", { fulfilment: "pickup" }),
    move("in_transit", "delivered", { roles: ["driver"] }),
    move("in_transit", "on_hold", { needsReason: true }),
    move("on_hold", "pending", { guards: ["held_here"] }),
    move("on_hold", "processing", { guards: ["held_here"] }),
    move("on_hold", "in_transit", { guards: ["held_here"] }),
    move("on_hold", "cancelled", { needsReason: true, guards: ["held_before_pickup"] }),
    move("ready_for_delivery", "driver_assigned", { guards: ["driver_known", "something_new"] }),
  ],
};
