import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { configQuery } from "../api/shop";
import { ServerRendered } from "./server-rendered";

/** Waits for the shop's configuration; where that cannot be had, the pages say so of what they ask for themselves. */
export function Configured({ children }: { children: ReactNode }) {
  return useQuery(configQuery).isPending ? <ServerRendered /> : children;
}
