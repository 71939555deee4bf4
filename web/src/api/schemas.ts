import type { components } from "./schema";

/** The shapes of requests and answers, by their names in the server's OpenAPI document. */
export type Schemas = components["schemas"];
