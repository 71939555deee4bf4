import { QueryClient } from "@tanstack/react-query";
import { Problem } from "./problem";

const RETRIES_MAX = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // An answer with a reason will be the same next time; only silence and faults are worth asking again.
      retry: (failures, error) =>
        failures < RETRIES_MAX && (!(error instanceof Problem) || error.status === 0 || error.status >= 500),
    },
  },
});
