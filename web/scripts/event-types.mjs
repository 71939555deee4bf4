// Makes the client's types of events and commands: node scripts/event-types.mjs ASYNCAPI.json OUT.ts
//
// Schemas are made by openapi-typescript, which knows them from OpenAPI; what AsyncAPI has besides, which events there
// are, what their last argument is and what a command answers, is three objects of those.
import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";
import openapiTS, { astToString } from "openapi-typescript";

const [, , source, target] = argv;
const { info, components } = JSON.parse(readFileSync(source, "utf8"));
const messages = Object.values(components.messages);
const events = messages.filter((message) => "rooms" in message["x-socketio"]);
const commands = messages.filter((message) => "ack" in message["x-socketio"]);

/** An object with a field for each message: its event's name, and a schema. */
const fields = (all, schemaOf) => ({
  type: "object",
  properties: Object.fromEntries(
    all.map((message) => [
      message["x-socketio"].event,
      { description: message.summary, allOf: [schemaOf(message)] },
    ]),
  ),
  required: all.map((message) => message["x-socketio"].event),
});
const dataOf = ({ "x-socketio": { ack } }) =>
  components.messages[ack].payload.oneOf?.[0].properties.data ?? components.messages[ack].payload;

const schemas = {
  ...components.schemas,
  Events: fields(events, (message) => message.payload),
  CommandArguments: fields(commands, (message) => message.payload),
  CommandData: fields(commands, dataOf),
};
const types = astToString(
  await openapiTS(
    {
      openapi: "3.1.0",
      info: { title: info.title, version: info.version },
      paths: {},
      components: { schemas },
    },
    // A field with a default may be left out of a command.
    { defaultNonNullable: false, emptyObjectsUnknown: true },
  ),
);
const OFFSETS = { always: "[offset: string]", sometimes: "[offset?: string]", never: "[]" };
const offsets = events.map(({ "x-socketio": { event, offset } }) => `  ${event}: ${OFFSETS[offset]};`);
const errors = commands.map(({ "x-socketio": { event, ack } }) => {
  const codes = components.messages[ack]["x-socketio"].errors;
  return `  ${event}: ${codes.map((code) => JSON.stringify(code)).join(" | ") || "never"};`;
});

writeFileSync(
  target,
  `// Made by \`make api-types\` from the server's AsyncAPI document (/asyncapi.json).
${types}
export type Schemas = components["schemas"];

/** What stands behind an event's payload: its place in the feed, for those that carry one. */
export interface Offsets {
${offsets.join("\n")}
}

/** The codes of the errors with which a command may be refused. */
export interface CommandErrorCodes {
${errors.join("\n")}
}
`,
);
