import { post } from "./http";
import type { Schemas } from "./schemas";

export type User = Schemas["User"];
/** `expiresIn` is in seconds. */
export type Login = Schemas["SignedIn"];

export const login = (email: string, password: string) => post<Login>("/api/auth/login", { email, password });
