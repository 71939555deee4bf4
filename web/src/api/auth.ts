import { get, post } from "./http";
import type { Schemas } from "./schemas";

export type User = Schemas["User"];
/** `expiresIn` is in seconds. */
export type Login = Schemas["SignedIn"];

/** Goes on with the sign-in of this browser's cookie. */
export const refresh = () => post<Login>("/api/auth/refresh", {});

/** Ends the sign-in of this browser, on the server too. */
export const logout = (token: string) => post<undefined>("/api/auth/logout", {}, { token });

export const login = (email: string, password: string) => post<Login>("/api/auth/login", { email, password });

/** Opens an account for a customer; signing in comes next. */
export const register = (name: string, email: string, password: string) =>
  post<User>("/api/auth/register", { name, email, password });

/** Has a link mailed by which another password can be chosen; whether somebody is mailed, nobody learns here. */
export const forgotPassword = (email: string) =>
  post<Schemas["MailAccepted"]>("/api/auth/forgot-password", { email });

/** Chooses another password by the token of such a link. */
export const resetPassword = (token: string, password: string) =>
  post<undefined>("/api/auth/reset-password", { token, password });

/** Whom the token speaks for. */
export const me = (token: string, signal: AbortSignal) =>
  get<Schemas["Person"]>("/api/me", { token, signal });

/** Has the link mailed once more by which an address is confirmed. */
export const resendVerification = (email: string) =>
  post<Schemas["MailAccepted"]>("/api/auth/resend-verification", { email });

/** Confirms an address by the token of a mailed link, as whoever is signed in, or knows the password. */
export const verifyEmail = (
  token: string,
  { password, session }: { password?: string; session?: string | undefined },
) => post<User>("/api/auth/verify-email", { token, ...(password && { password }) }, { token: session });

/** Takes over what was ordered without an account, with the address that the customer has confirmed. */
export const claimOrders = (token: string) =>
  post<Schemas["ClaimedOrders"]>("/api/auth/claim-orders", {}, { token });
