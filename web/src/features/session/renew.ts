import { refresh } from "../../api/auth";
import { Problem } from "../../api/problem";
import { useSessionStore } from "./session";

let underway: Promise<boolean> | undefined;

/**
 * Gets the next token by this browser's cookie; gives whether there is one.
 *
 * Where the server knows the sign-in no more, it is forgotten here too; where it cannot be reached, it is kept.
 */
export function renewSession(): Promise<boolean> {
  underway ??= attempt().finally(() => {
    underway = undefined;
  });
  return underway;
}

const refuses = (status: number) => status >= 400 && status < 500 && status !== 429;

async function attempt(): Promise<boolean> {
  const { signIn, forget } = useSessionStore.getState();
  try {
    signIn(await refresh(), Date.now());
    return true;
  } catch (error) {
    if (error instanceof Problem && refuses(error.status)) forget();
    return false;
  }
}
