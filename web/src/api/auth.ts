import type { Role } from "@ordercast/client";
import { post } from "./http";

export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
}

export interface Login {
  token: string;
  /** Seconds. */
  expiresIn: number;
  user: User;
}

export const login = (email: string, password: string) => post<Login>("/api/auth/login", { email, password });
