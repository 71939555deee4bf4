export * from "./commands.js";
export * from "./errors.js";
export type * from "./events.js";
export * from "./live.js";
export * from "./orders.js";
export { isOrder } from "./payloads.js";
export { covers, parsePosition, type Position } from "./position.js";
