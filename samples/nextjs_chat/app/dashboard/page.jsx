// /dashboard?bookingId=bkg_...
import { cookies } from "next/headers";
import { Chat } from "./Chat";

export default async function Dashboard({ searchParams }) {
  const { bookingId } = await searchParams;
  // What POST /api/auth/login answered, where your sign-in has put it. The browser needs it too: its socket shows it.
  const token = (await cookies()).get("ordercast_token")?.value;
  if (!token || !bookingId) return <p>Sign in, and choose a booking.</p>;
  return <Chat bookingId={bookingId} token={token} url={process.env.ORDERCAST_URL ?? "http://localhost:3000"} />;
}
