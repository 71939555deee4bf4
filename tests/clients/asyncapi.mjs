// The official parser reads an AsyncAPI document: node asyncapi.mjs FILE
// It prints what the parser finds wrong with it, and how many operations and messages it finds in it.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
console.log(
  JSON.stringify({
    diagnostics: diagnostics.map(({ severity, code, message, path }) => ({
      severity,
      code,
      message,
      path: path.join("/"),
    })),
    operations: document?.operations().all().map((one) => one.id()) ?? [],
    messages: document?.allMessages().all().map((one) => one.id()) ?? [],
  }),
);
