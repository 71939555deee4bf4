import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config({ ignores: ["node_modules", "client/dist"] }, js.configs.recommended, {
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
});
