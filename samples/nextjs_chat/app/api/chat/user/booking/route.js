// The first load of the dashboard: a booking, its conversation and its participants, asked for by this server with the
// person's own token, so that they see what they may see and no more. A Next.js route handler; it needs nothing of Next.
const ordercast = process.env.ORDERCAST_URL ?? "http://localhost:3000";

export async function GET(request) {
  const authorization = request.headers.get("authorization");
  if (authorization === null) return Response.json({ title: "Sign in first.", status: 401 }, { status: 401 });
  try {
    const answer = await fetch(`${ordercast}/api/chat/user/booking${new URL(request.url).search}`, {
      headers: { authorization },
      cache: "no-store", // what was true for somebody else, or a while ago, helps nobody here
      signal: AbortSignal.timeout(10_000),
    });
    const headers = { "content-type": answer.headers.get("content-type"), "cache-control": "no-store" };
    return new Response(await answer.text(), { status: answer.status, headers });
  } catch {
    return Response.json({ title: "The shop does not answer.", status: 502 }, { status: 502 });
  }
}
