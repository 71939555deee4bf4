// A booking that your own back end has made, on every dashboard that may see it: the shop's, and the one of its
// `userId`. Call it where you have stored the booking, such as in the handler of your payment provider's webhook.
//
// It runs on the server alone: whoever has the service token speaks for the shop.
//   export ORDERCAST_SERVICE_TOKEN=$(ordercast token --role service)
const ordercast = process.env.ORDERCAST_URL ?? "http://localhost:3000";

export async function emitBooking(booking) {
  const answer = await fetch(`${ordercast}/emit-booking`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${process.env.ORDERCAST_SERVICE_TOKEN}`,
      "content-type": "application/json",
      "idempotency-key": `booking-${booking.bookingId}`, // told once, however often the webhook comes
    },
    body: JSON.stringify(booking),
    signal: AbortSignal.timeout(10_000),
  });
  // 202: it is stored, and nobody who is away now misses it. Anything else: try again later, under the same key.
  if (!answer.ok) throw new Error(`The shop did not take the booking: ${answer.status} ${await answer.text()}`);
}
