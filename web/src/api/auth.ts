import { post } from "./http";
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
