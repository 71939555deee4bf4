import { create } from "zustand";
import { persist } from "zustand/middleware";
import { type Login, logout, type User } from "../../api/auth";
import { silenceHere } from "../../push/device";

export interface Session {
  token: string;
  user: User;
  expiresAt_ms: number;
}

interface SessionState {
  session: Session | null;
  signIn: (login: Login, now_ms: number) => void;
  /** Forgets a sign-in that the server knows no more. */
  forget: () => void;
  /** Ends the sign-in, here at once, and on the server as soon as it hears of it. */
  signOut: () => void;
}

/** Who signs in next on this browser is not to read what the one before is told. */
async function leave(token: string): Promise<void> {
  await silenceHere(token).catch(() => undefined);
  await logout(token).catch(() => undefined);
}

/** One sign-in for all tabs of this browser; the server decides what it is worth. */
export const useSessionStore = create<SessionState>()(
  persist(
    (set, get) => ({
      session: null,
      signIn: ({ token, expiresIn, user }, now_ms) =>
        set({ session: { token, user, expiresAt_ms: now_ms + expiresIn * 1000 } }),
      forget: () => set({ session: null }),
      signOut: () => {
        const token = get().session?.token;
        set({ session: null });
        if (token !== undefined) void leave(token);
      },
    }),
    { name: "ordercast.session" },
  ),
);

export const useSession = (): Session | null => useSessionStore((state) => state.session);

/** The token of now: a renewal replaces it. */
export const currentToken = (): string | undefined => useSessionStore.getState().session?.token;

export const isStaff = ({ user }: Session): boolean => user.role === "admin" || user.role === "store";
