import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

const only = (regex, message) => ({ "no-restricted-imports": ["error", { patterns: [{ regex, message }] }] });

export default tseslint.config(
  { ignores: ["node_modules", "client/dist", "src/api/schema.ts", "client/src/generated.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [
      ...tseslint.configs.strictTypeChecked,
      jsxA11y.flatConfigs.recommended,
      reactHooks.configs.flat["recommended-latest"],
    ],
    languageOptions: { globals: globals.browser, parserOptions: { projectService: true } },
    rules: {
      // Numbers read well in a template; what must not slip in is an object.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // An arrow that only calls is the usual shape of an event handler.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["src/**/*.tsx"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            'JSXAttribute[name.name="disabled"] Identifier[name=/pending|fetching|loading|saving|placing|busy/i]',
          message:
            "A disabled button loses the focus, and keys with it: say `busy` of a Button (src/ui/button.tsx).",
        },
      ],
    },
  },
  { files: ["public/service-worker.js"], languageOptions: { globals: globals.serviceworker } },
  {
    // A page that leans on another can no longer be read, changed or dropped by itself.
    files: ["src/features/**"],
    rules: only("^\\.\\./(?!\\.\\./|session/)", "A page uses no other page."),
  },
  {
    // A page's second face, such as the kitchen of the board, in a folder of its own.
    files: ["src/features/*/*/**"],
    rules: only("^\\.\\./\\.\\./(?!\\.\\./|session/)", "A page uses no other page."),
  },
  {
    // What is published must not pull the pages, or React, along.
    files: ["client/src/**"],
    rules: only("^(?!\\./|socket\\.io-client$)", "The client stands alone."),
  },
);
