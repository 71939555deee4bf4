import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { Login, User } from "../../api/auth";

export interface Session {
  token: string;
  user: User;
  expiresAt_ms: number;
}

interface SessionState {
  session: Session | null;
  signIn: (login: Login, now_ms: number) => void;
  signOut: () => void;
}

/** One sign-in for all tabs of this browser; the server decides what it is worth. */
export const useSessionStore = create<SessionState>()(
  persist(
    (set) => ({
      session: null,
      signIn: ({ token, expiresIn, user }, now_ms) =>
        set({ session: { token, user, expiresAt_ms: now_ms + expiresIn * 1000 } }),
      signOut: () => set({ session: null }),
    }),
    { name: "ordercast.session" },
  ),
);

export const useSession = (): Session | null => useSessionStore((state) => state.session);

export const isStaff = ({ user }: Session): boolean => user.role === "admin" || user.role === "store";
